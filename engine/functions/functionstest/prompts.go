package functionstest

import (
	"github.com/scrip-go/scrip/engine/functions"
)

// imagePrompts describes pictures that [Responder.Image] can draw: what the alternative text promises is to be seen.
func imagePrompts(in functions.ImagePromptsInput, _ int) functions.ImagePromptsOutput {
	rng := seeded("prompts", in.Title)
	scenes := rng.Perm(len(motifs))
	colours := rng.Perm(len(palettes))
	describe := func(i int, about string) functions.ImagePrompt {
		scene, colour := motifs[scenes[i%len(scenes)]], palettes[colours[i%len(colours)]]
		return functions.ImagePrompt{
			Prompt: "An illustration for “" + clip(clean(about), 120) + "”: " + scene.scene + " in " + colour.name +
				". Soft light, a calm composition seen from a distance, without any lettering.",
			Alt: upperFirst(scene.scene) + " in " + colour.name,
		}
	}
	out := functions.ImagePromptsOutput{Featured: describe(0, in.Title), InArticle: []functions.ImagePrompt{}}
	for i := range in.Count {
		about := in.Title
		if len(in.Headings) > 0 {
			// Spread over the article, as the pictures will be.
			about = in.Headings[i*len(in.Headings)/in.Count]
		}
		out.InArticle = append(out.InArticle, describe(i+1, about))
	}
	return out
}
