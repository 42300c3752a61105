package functionstest

import (
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/engine/functions"
)

// links finds an anchor for as many targets as it may: the target's keyword or title, or else two words of the article.
func links(in functions.LinksInput, _ int) functions.LinksOutput {
	out := functions.LinksOutput{Links: []functions.Link{}}
	words := strings.Fields(text(in.HTML))
	for _, target := range in.Targets {
		if len(out.Links) == in.Max {
			break
		}
		anchors := []string{target.Keyword, target.Title}
		for i := range len(words) - 1 {
			anchors = append(anchors, words[i]+" "+words[i+1])
		}
		for _, anchor := range anchors {
			more := append(out.Links[:len(out.Links):len(out.Links)], functions.Link{Target: target.N, Anchor: anchor, Reason: "It says more about " + clean(target.Title) + "."})
			if _, err := in.Insert(functions.LinksOutput{Links: more}); err == nil {
				out.Links = more
				break
			}
		}
	}
	return out
}

// optimized puts an opening with the keyword before the article and gives it what a search engine shows.
func optimized(in functions.OptimizeInput, tight int) functions.OptimizeOutput {
	q := understand(in.Primary, in.Title, strings.Join(in.Secondary, " "))
	title := clean(in.Title)
	if !strings.Contains(strings.ToLower(title), strings.ToLower(clean(in.Primary))) {
		title = titled(clean(in.Primary)) + ": " + title
	}
	out := functions.OptimizeOutput{Title: title, HTML: in.HTML, MetaTitle: short(title, 60), Changes: []string{"The title names what readers look for."}}
	if tight == 0 {
		w := newWriter(q, seeded("optimize", in.Title, in.Primary), escape)
		out.HTML = "<p>" + w.opening() + "</p>\n" + in.HTML
		out.Changes = append(out.Changes, "The opening answers the question at once.")
	}
	plain := newWriter(q, seeded("meta", in.Title), func(s string) string { return s })
	out.MetaDescription = clip(plain.line("meta", '-'), 155)
	return out
}

// siteStructure plans a front page, what every site has, and a section with a page for each topic.
func siteStructure(in functions.StructureInput, tight int) functions.StructureOutput {
	out := functions.StructureOutput{Pages: []functions.Page{}}
	slugs := map[string]int{}
	add := func(parent int, title, slug, kind, purpose string) int {
		if len(out.Pages) == in.Max {
			return 0
		}
		if slugs[slug]++; slugs[slug] > 1 {
			slug = fmt.Sprintf("%s-%d", slug, slugs[slug])
		}
		out.Pages = append(out.Pages, functions.Page{N: len(out.Pages) + 1, Parent: parent, Title: title, Slug: slug, Type: kind,
			Purpose: purpose, Sections: []string{"What it is", "What to do", "Where to go from here"}})
		return len(out.Pages)
	}
	home := add(0, clean(in.Name), "", "home", "It says what the site is for.")
	topics := in.Topics[:len(in.Topics)-len(in.Topics)*min(tight, 8)/9]
	if guides := add(home, "Guides", "guides", "section", "It lists what there is to read."); guides > 0 {
		for i, topic := range topics {
			add(guides, titled(clean(topic)), fmt.Sprintf("topic-%d", i+1), "article", "It answers what readers ask about it.")
		}
	}
	add(home, "About", "about", "about", "It says who is behind the site.")
	add(home, "Contact", "contact", "contact", "It says how to ask.")
	return out
}

// product repeats what it was told, in the order of a product's page.
func product(in functions.ProductInput, tight int) functions.ProductOutput {
	name := clean(in.Name)
	out := functions.ProductOutput{Title: name, Summary: name + ", for those who look for " + clean(in.Primary) + ".",
		HTML:          "<p>" + escape(name) + " is described here by what is known of it.</p>",
		Features:      []functions.Feature{},
		Specification: []functions.Property{}, Questions: []functions.Question{},
		MetaTitle: short(name, 60), MetaDescription: clip(name+": what it is, what it is made of, and for whom.", 155), Tags: []string{titled(clean(in.Primary))}}
	attributes := in.Attributes[:max(1, len(in.Attributes)-len(in.Attributes)*min(tight, 8)/9)]
	for i, a := range attributes {
		out.Specification = append(out.Specification, a)
		if i < 4 {
			out.Features = append(out.Features, functions.Feature{Name: clean(a.Name), Benefit: "You know what you get: " + clean(a.Value) + "."})
		}
	}
	out.Questions = append(out.Questions, functions.Question{Question: "What is the " + clean(attributes[0].Name) + "?", Answer: clean(attributes[0].Value) + "."})
	return out
}

// service repeats what it was told, in the order of a service's page.
func service(in functions.ServiceInput, _ int) functions.ServiceOutput {
	name := clean(in.Name)
	out := functions.ServiceOutput{Title: name, Summary: name + " by " + clean(in.Provider) + ".",
		HTML:     "<p>" + escape(name) + " begins with a look at what there is.</p>",
		Included: []functions.Feature{}, Steps: []functions.Step{{Name: "A first word", Details: "You say what you need."}, {Name: "The work", Details: "It is done as agreed."}},
		Questions:    []functions.Question{{Question: "What is included?", Answer: clean(strings.Join(in.Includes, ", ")) + "."}},
		CallToAction: "Ask " + clean(in.Provider) + " for an appointment.",
		MetaTitle:    short(name, 60), MetaDescription: clip(name+" by "+clean(in.Provider)+": what is included and how it goes.", 155), Tags: []string{titled(clean(in.Primary))}}
	for _, part := range in.Includes {
		out.Included = append(out.Included, functions.Feature{Name: clean(part), Benefit: "It is taken care of."})
	}
	return out
}
