package functions_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrip-go/scrip/engine"
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

// TestAnArticleWithoutSpacesMayBeAsLongAsItWas: the bound of the answer is not by words alone, where there are none.
func TestAnArticleWithoutSpacesMayBeAsLongAsItWas(t *testing.T) {
	in := functions.OptimizeInput{Title: "面包", HTML: "<p>" + strings.Repeat("面包怎么做", 400) + "</p>", Primary: "面包"}
	model := &script{answer: "{}"}
	e, set := open(t, model, nil)
	_, _ = engine.Run(t.Context(), e, set.Optimize, engine.Call{Account: account, Key: "call"}, in)
	if got := model.asked[0].MaxOutput; got < 1500+2000 {
		t.Errorf("the answer may have %d tokens, want as many as the article has characters, and some", got)
	}
}

func TestAnArticleThatLostSomethingIsRefused(t *testing.T) {
	long, chinese := strings.Repeat("rye bread ", 50), strings.Repeat("面包怎么做", 50)
	for _, c := range []struct{ rule, before, after, want string }{
		{"a fifth less is enough", "<p>" + long + "</p>", "<p>" + long[:450] + "</p>", ""},
		{"less is not", "<p>" + long + "</p>", "<p>" + long[:350] + "</p>", "shorten it by a fifth at most"},
		{"nor in a script without spaces", "<p>" + chinese + "</p>", "<p>" + chinese[:len(chinese)/2] + "</p>", "shorten it by a fifth at most"},
		{"what is hidden does not count", "<p>" + long + "</p>", "<script>" + long + "</script>", "shorten it by a fifth at most"},
		{"a link stays", `<p>rye <a href="/a?b=1&amp;c=2">bread</a></p>`, `<p>rye <a href="/a?b=1&c=2">bread</a></p>`, ""},
		{"a link that is gone", `<p>rye <a href="/a">bread</a></p>`, `<p>rye <a href="/b">bread</a></p>`, "a link of the article is missing"},
		{"a picture that is gone", `<p>rye bread<img src="a.png"></p>`, `<p>rye bread</p>`, "a picture of the article is missing"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			answer, err := json.Marshal(functions.OptimizeOutput{Title: "Rye", HTML: c.after, Changes: []string{}})
			if err != nil {
				t.Fatal(err)
			}
			e, set := open(t, &script{answer: string(answer)}, nil)
			_, err = engine.Run(t.Context(), e, set.Optimize, engine.Call{Account: account, Key: "call"}, functions.OptimizeInput{Title: "Rye", HTML: c.before, Primary: "rye"})
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, engine.ErrAnswer) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
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
