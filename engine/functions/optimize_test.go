package functions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrip-go/scrip/engine/functions"
)

func TestAReportMeasuresBothArticles(t *testing.T) {
	in := functions.OptimizeInput{Title: "About Loaves", Primary: "Rye  bread",
		HTML: `<p>` + strings.Repeat("word ", 120) + `</p><p>A <a href="/x">loaf</a>.</p><img src="a.png"><script>rye bread</script>`}
	out := functions.OptimizeOutput{Title: "Rye Bread", MetaTitle: "Rye Bread", MetaDescription: "How it is made.",
		HTML: `<p>Rye bread is made of rye.</p><h2>How</h2><p>` + strings.Repeat("word ", 90) + `</p><ul><li>A <a href="/x">loaf</a></li></ul><img src="a.png" alt="a loaf">`}
	got := in.Report(out)
	want := functions.OptimizeReport{
		Before: functions.Assessment{Words: 122, Paragraphs: 2, Links: 1, Pictures: 1, LongParagraph: 120, Score: 25},
		After:  functions.Assessment{Words: 99, Headings: 1, Paragraphs: 2, Links: 1, Pictures: 1, KeywordUses: 1, LongParagraph: 90, Score: 100},
	}
	rules := []bool{false, false, true, false, false, true, false, false}
	for i, c := range got.Before.Checks {
		if c.Passed != rules[i] || !got.After.Checks[i].Passed || c.Rule == "" {
			t.Errorf("check %q is %t before and %t after, want %t and true", c.Rule, c.Passed, got.After.Checks[i].Passed, rules[i])
		}
	}
	got.Before.Checks, got.After.Checks = nil, nil
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Report (-want +got):\n%s", d)
	}
}

func ExampleOptimizeInput_Report() {
	in := functions.OptimizeInput{Title: "Loaves", HTML: "<p>Some say rye.</p>", Primary: "rye bread"}
	report := in.Report(functions.OptimizeOutput{Title: "Rye Bread", HTML: "<h2>Rye bread</h2><p>It keeps for a week, and longer in a cloth.</p>",
		MetaTitle: "Rye Bread", MetaDescription: "How long rye bread keeps."})
	fmt.Printf("%d words at %d %%, then %d words at %d %%\n", report.Before.Words, report.Before.Score, report.After.Words, report.After.Score)
	for _, c := range report.After.Checks {
		if !c.Passed {
			fmt.Println("not yet:", c.Rule)
		}
	}
	// Output:
	// 3 words at 50 %, then 12 words at 87 %
	// not yet: the keyword is at most 3 % of the words
}
