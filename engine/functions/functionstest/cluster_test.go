package functionstest_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/engine/functions"
)

func checkClusters(t *testing.T, keywords []string, out functions.ClusterOutput) {
	t.Helper()
	names := map[string]bool{}
	times := map[int]int{}
	for _, c := range out.Clusters {
		if words := len(strings.Fields(c.Name)); words < 2 || words > 6 || len(c.Name) > 80 {
			t.Errorf("the name %q has %d words, want 2 to 5", c.Name, words)
		}
		if key := strings.ToLower(c.Name); names[key] {
			t.Errorf("the name %q is used twice", c.Name)
		} else {
			names[key] = true
		}
		if n := strings.Count(c.Description, ". ") + 1; c.Description == "" || n > 2 {
			t.Errorf("the description %q has %d sentences", c.Description, n)
		}
		if len(c.Keywords) > 10 {
			t.Errorf("%q has %d keywords, want at most 10", c.Name, len(c.Keywords))
		}
		for _, n := range c.Keywords {
			times[n]++
		}
	}
	for n := 1; n <= len(keywords); n++ {
		if times[n] != 1 {
			t.Errorf("keyword %d is in %d clusters, want 1", n, times[n])
		}
	}
}

func TestBatchesOfRealKeywordsAreGrouped(t *testing.T) {
	s := open(t)
	for file, keywords := range realKeywords(t) {
		rng := rand.New(rand.NewPCG(1, uint64(len(keywords))))
		clusters, small := 0, 0
		for at := 0; at+5 <= len(keywords); {
			batch := keywords[at:min(len(keywords), at+5+rng.IntN(16))]
			at += len(batch)
			out := buy(t, s, s.set.Cluster, functions.ClusterInput{Keywords: queries(batch...)})
			checkClusters(t, batch, out)
			for _, c := range out.Clusters {
				if clusters++; len(c.Keywords) < 3 {
					small++
				}
			}
		}
		if small*5 > clusters {
			t.Errorf("%s: %d of %d clusters have less than three keywords", file, small, clusters)
		}
		t.Logf("%s: %d clusters, %d of them with less than three keywords", file, clusters, small)
	}
}

func TestOddKeywordsAreGrouped(t *testing.T) {
	s := open(t)
	same := make([]string, 30)
	for i := range same {
		same[i] = "bread"
	}
	var distinct []string
	for a := 'a'; a <= 'z'; a++ {
		for _, b := range "ku" {
			distinct = append(distinct, string([]rune{a, b, a, 'z'}))
		}
	}
	batches := map[string][]string{"odd": odd, "identical": same, "nothing in common": distinct, "empty words": {"the", "a", "who", "is", "...", "?"}}
	for at := range len(odd) - 5 {
		batches[odd[at]] = odd[at : at+5]
	}
	for name, batch := range batches {
		t.Run(name, func(t *testing.T) {
			checkClusters(t, batch, buy(t, s, s.set.Cluster, functions.ClusterInput{Keywords: queries(batch...)}))
		})
	}
}

func TestAHundredKeywordsFitTheBound(t *testing.T) {
	s := open(t)
	var hundred []string
	for len(hundred) < functions.MaxKeywords {
		hundred = append(hundred, append(plainKeywords, odd...)...)
	}
	hundred = hundred[:functions.MaxKeywords]
	checkClusters(t, hundred, buy(t, s, s.set.Cluster, functions.ClusterInput{Keywords: queries(hundred...)}))
}

func TestClustersReadLikeAnEditorsHeadings(t *testing.T) {
	out := buy(t, open(t), open(t).set.Cluster, functions.ClusterInput{Keywords: queries(plainKeywords[:10]...)})
	for i, want := range []string{"Sourdough Starter", "Running Shoes"} {
		if got := out.Clusters[i].Name; got != want {
			t.Errorf("cluster %d is %q, want %q", i, got, want)
		}
	}
}
