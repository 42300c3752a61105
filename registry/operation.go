package registry

import (
	"slices"
	"strings"
)

// The operations that Scrip's own functions are charged as. An operation has this one name everywhere: in Go, in JSON and
// in the database. A host registers an operation of its own by a row in [Configuration.Operations]; what has no row
// cannot be charged, so the set is closed.
const (
	Clustering              = "clustering"                // of the function auto_cluster
	IdeaGeneration          = "idea_generation"           // generate_ideas
	ContentGeneration       = "content_generation"        // generate_content
	ImagePromptExtraction   = "image_prompt_extraction"   // generate_image_prompts
	ImageGeneration         = "image_generation"          // generate_images
	ContentOptimization     = "content_optimization"      // optimize_content
	InternalLinking         = "internal_linking"          // generate_internal_links
	SiteStructureGeneration = "site_structure_generation" // generate_site_structure
)

// Operations returns the names of Scrip's own operations, sorted.
func Operations() []string {
	return []string{Clustering, ContentGeneration, ContentOptimization, IdeaGeneration, ImageGeneration, ImagePromptExtraction,
		InternalLinking, SiteStructureGeneration}
}

// otherNames are what the operations were called beside their names, as operations or as functions. Two names for one
// operation would split every report.
var otherNames = map[string]string{
	"auto_cluster":            Clustering,
	"generate_ideas":          IdeaGeneration,
	"ideas":                   IdeaGeneration,
	"generate_content":        ContentGeneration,
	"content":                 ContentGeneration,
	"generate_image_prompts":  ImagePromptExtraction,
	"generate_images":         ImageGeneration,
	"images":                  ImageGeneration,
	"optimize_content":        ContentOptimization,
	"optimization":            ContentOptimization,
	"generate_internal_links": InternalLinking,
	"linking":                 InternalLinking,
	"generate_site_structure": SiteStructureGeneration,
}

const lowerLetters = "abcdefghijklmnopqrstuvwxyz"

// operationName: with one case and one separator a name cannot be written in two ways.
func operationName(s string) bool {
	return strings.Trim(s, lowerLetters+"0123456789_") == "" && slices.Contains([]byte(lowerLetters), s[0])
}
