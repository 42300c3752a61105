package functions

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/scrip-go/scrip/engine"
)

// maxPrompt is the most characters of a picture's prompt, a whole page. Several image models take 3,000 at most, to which
// the style comes, and refuse what is longer.
const maxPrompt = 2000

// MaxPictures is the most pictures inside an article; the original system's limit.
const MaxPictures = 8

// ImagePromptsInput asks for the pictures of an article to be described.
type ImagePromptsInput struct {
	Title    string   `json:"title"`
	Excerpt  string   `json:"excerpt,omitempty"`
	Headings []string `json:"headings"`
	Count    int      `json:"count"` // pictures inside the article: 0 to MaxPictures, besides the one at its head
}

// ImagePromptsOutput is the picture at the head of the article, and as many inside it as were asked for.
type ImagePromptsOutput struct {
	Featured  ImagePrompt   `json:"featured"`
	InArticle []ImagePrompt `json:"in_article"`
}

// ImagePrompt describes a picture.
type ImagePrompt struct {
	Prompt string `json:"prompt"`
	Alt    string `json:"alt"` // for readers who do not see it
}

var imagePromptsDefinition = engine.Definition[ImagePromptsInput, ImagePromptsOutput]{
	Name: GenerateImagePrompts, Operation: "image_prompt_extraction",
	Validate: func(in ImagePromptsInput) error {
		switch {
		case strings.TrimSpace(in.Title) == "":
			return errors.New("the article has no title")
		case in.Count < 0 || in.Count > MaxPictures:
			return fmt.Errorf("%d pictures: ask for 0 to %d", in.Count, MaxPictures)
		}
		return nil
	},
	Text: &engine.Text[ImagePromptsInput, ImagePromptsOutput]{
		Messages:  ask[ImagePromptsInput](GenerateImagePrompts),
		MaxOutput: func(in ImagePromptsInput) int64 { return 400 + 200*int64(in.Count+1) },
		Check: func(in ImagePromptsInput, out ImagePromptsOutput) error {
			if len(out.InArticle) != in.Count {
				return fmt.Errorf("%d prompts in in_article, want exactly %d", len(out.InArticle), in.Count)
			}
			for _, p := range append([]ImagePrompt{out.Featured}, out.InArticle...) {
				if strings.TrimSpace(p.Prompt) == "" || strings.TrimSpace(p.Alt) == "" {
					return errors.New("a prompt or its alt is empty")
				}
				if n := utf8.RuneCountInString(p.Prompt); n > maxPrompt {
					return fmt.Errorf("a prompt has %d characters, want one to three sentences", n)
				}
			}
			return nil
		},
	},
}

// ImageInput asks for one picture.
type ImageInput struct {
	Prompt string       `json:"prompt"`
	Shape  engine.Shape `json:"shape"`
}

// ImageOutput is the picture.
type ImageOutput struct {
	Picture engine.Picture `json:"picture"`
}

var imagesDefinition = engine.Definition[ImageInput, ImageOutput]{
	Name: GenerateImages, Operation: "image_generation",
	Validate: func(in ImageInput) error {
		switch {
		case strings.TrimSpace(in.Prompt) == "":
			return errors.New("the prompt is empty")
		case in.Shape != engine.Landscape && in.Shape != engine.Square:
			return fmt.Errorf("unknown shape %.40q", in.Shape)
		}
		return nil
	},
	Image: &engine.Image[ImageInput, ImageOutput]{
		Draw: func(env engine.Env, in ImageInput) (engine.Drawing, error) {
			prompt := in.Prompt
			if env.Style != "" {
				prompt = "Style: " + env.Style + ". " + prompt
			}
			return engine.Drawing{Prompt: prompt, Shape: in.Shape, N: 1}, nil
		},
		Result: func(_ ImageInput, pictures []engine.Picture) ImageOutput { return ImageOutput{Picture: pictures[0]} },
	},
}
