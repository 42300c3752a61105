package functions

import (
	"errors"
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/engine"
)

// MinKeywords is the least number of keywords that can be grouped; the original system's rule. The most is MaxKeywords.
const (
	MinKeywords = 5
	MaxKeywords = 100
)

// Query is a keyword with a number that the model refers to it by.
type Query struct {
	N      int    `json:"n"` // 1, 2, 3 …
	Text   string `json:"text"`
	Volume *int64 `json:"volume,omitempty"` // searches per month
}

// ClusterInput asks for keywords to be grouped.
type ClusterInput struct {
	Keywords []Query `json:"keywords"` // MinKeywords to MaxKeywords, numbered from 1
}

// ClusterOutput is every keyword in exactly one cluster.
type ClusterOutput struct {
	Clusters []ClusterGroup `json:"clusters"`
}

// ClusterGroup is a cluster.
type ClusterGroup struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Keywords    []int  `json:"keywords"` // numbers of the input's keywords
}

var clusterDefinition = engine.Definition[ClusterInput, ClusterOutput]{
	Name: AutoCluster, Operation: "clustering",
	Validate: func(in ClusterInput) error {
		if n := len(in.Keywords); n < MinKeywords || n > MaxKeywords {
			return fmt.Errorf("%d keywords: give %d to %d at a time", n, MinKeywords, MaxKeywords)
		}
		return numbered(in.Keywords)
	},
	Text: &engine.Text[ClusterInput, ClusterOutput]{
		Messages:  ask[ClusterInput](AutoCluster),
		MaxOutput: func(in ClusterInput) int64 { return 500 + 100*int64(len(in.Keywords)) },
		Check:     checkClusters,
	},
}

func numbered(queries []Query) error {
	for i, q := range queries {
		if q.N != i+1 {
			return fmt.Errorf("keyword %d has the number %d: number them from 1", i+1, q.N)
		}
		if strings.TrimSpace(q.Text) == "" {
			return fmt.Errorf("keyword %d is empty", i+1)
		}
	}
	return nil
}

func checkClusters(in ClusterInput, out ClusterOutput) error {
	var errs []error
	times := make([]int, len(in.Keywords)+1)
	for _, c := range out.Clusters {
		if strings.TrimSpace(c.Name) == "" {
			errs = append(errs, errors.New("a cluster has no name"))
		}
		if len(c.Keywords) == 0 {
			errs = append(errs, errors.New("a cluster has no keywords"))
		}
		for _, n := range c.Keywords {
			if n < 1 || n > len(in.Keywords) {
				errs = append(errs, fmt.Errorf("there is no keyword %d", n))
				continue
			}
			times[n]++
		}
	}
	for n := 1; n < len(times); n++ {
		if times[n] != 1 {
			errs = append(errs, fmt.Errorf("keyword %d is in %d clusters, must be in one", n, times[n]))
		}
	}
	return few(errs)
}

// few joins errors into one line that a model can read; past a handful, more would not help it.
func few(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	var parts []string
	for _, err := range errs[:min(len(errs), 8)] {
		parts = append(parts, err.Error())
	}
	return errors.New(strings.Join(parts, "; "))
}
