package main

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/folder"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// system is what the plan's tests look at: the seeded registry, keys, an engine with all functions, a pipeline.
type system struct {
	db       *sqlite.DB
	registry *registry.Registry
	keys     *secret.Vault
	set      *functions.Set
	engine   *engine.Engine
	pipeline *pipeline.Pipeline
}

func newSystem(t *testing.T) *system {
	t.Helper()
	dir := t.TempDir()
	s := &system{}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	s.db, err = sqlite.Open(t.Context(), filepath.Join(dir, "scrip.db"), nil)
	check(err)
	t.Cleanup(func() { s.db.Close() })
	check(s.db.Migrate(t.Context()))
	catalogue, err := registry.Catalogue(registry.Seed)
	check(err)
	_, err = s.db.Models().Save(t.Context(), registry.Change{Who: "test", Why: "seed", Next: catalogue})
	check(err)
	s.registry, err = registry.Open(t.Context(), s.db.Models(), nil)
	check(err)
	t.Cleanup(s.registry.Close)

	ring, err := secret.NewRing("test", map[string][]byte{"test": []byte("thirty-two bytes of a test's ring")[:32]})
	check(err)
	s.keys, err = secret.StoreKeys(s.db.Keys(), ring, nil)
	check(err)
	for _, provider := range []string{"openai", "runware"} {
		_, err = s.keys.Set(t.Context(), secret.Place{Provider: provider, ID: "main"}, secret.New("sk-of-"+provider+"-for-tests"), secret.By{Who: "test", Why: "seed"})
		check(err)
	}
	s.set, err = functions.New()
	check(err)
	shelf, err := blobs.Open(filepath.Join(dir, "pictures"))
	check(err)
	s.engine, err = engine.New(engine.Config{Ledger: s.db.Ledger(), Registry: s.registry, Keys: s.keys, Blobs: shelf, Functions: s.set.All(),
		Providers: []providers.Provider{past{"openai"}, past{"runware"}}})
	check(err)
	site, err := folder.Open(folder.Config{Dir: filepath.Join(dir, "site"), Title: "Test"})
	check(err)
	s.pipeline, err = pipeline.New(pipeline.Config{Engine: s.engine, Functions: s.set, Content: s.db.Content(), Publisher: site,
		Ledger: s.db.Ledger(), Blobs: shelf})
	check(err)
	return s
}

// TestThePlansIntegrationTests has the classes of the migration plan's integration tests, and a subtest for each of their
// tests, under the plan's names. They hold before, between and after the phases; main_test.go walks through those.
func TestThePlansIntegrationTests(t *testing.T) {
	s := newSystem(t)
	snapshot := s.registry.Snapshot()
	group := func(class string, tests map[string]func(t *testing.T)) {
		t.Run(class, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, test)
			}
		})
	}
	models := func(kind registry.Kind, names ...string) func(*testing.T) {
		return func(t *testing.T) {
			for _, name := range names {
				m, err := snapshot.Model(name)
				if err != nil || m.Kind != kind {
					t.Errorf("model %q: %+v, %v, want one that makes %s", name, m, err, kind)
				}
				if kind == registry.Image && m.CostPerImage == nil {
					t.Errorf("model %q has no cost per image", name)
				}
			}
		}
	}
	oneDefault := func(kind registry.Kind, name string) func(*testing.T) {
		return func(t *testing.T) {
			var defaults []string
			for _, m := range snapshot.Configuration.Models {
				if m.Kind == kind && m.Default && m.Active {
					defaults = append(defaults, m.Name)
				}
			}
			m, err := snapshot.Default(kind)
			if !slices.Equal(defaults, []string{name}) || err != nil || m.Name != name {
				t.Errorf("the defaults are %v, and %v, %v is answered: want %q alone", defaults, m, err, name)
			}
		}
	}
	group("AIModelConfigTests", map[string]func(*testing.T){
		"test_text_models_exist":          models(registry.Text, "gpt-5.1", "gpt-4o-mini"),
		"test_image_models_exist":         models(registry.Image, "runware:97@1", "dall-e-3", "google:4@2"),
		"test_default_text_model_exists":  oneDefault(registry.Text, "gpt-5.1"),
		"test_default_image_model_exists": oneDefault(registry.Image, "dall-e-3"),
	})

	costs := func(operation, model string, u usage.Usage, usd string) func(*testing.T) {
		return func(t *testing.T) {
			price, err := snapshot.Configuration.Quote(operation, model, u)
			if err != nil || price.USD.String() != usd {
				t.Errorf("%s costs %v USD, %v, want %s", model, price.USD, err, usd)
			}
		}
	}
	group("ModelRegistryTests", map[string]func(*testing.T){
		"test_get_model_from_db": func(t *testing.T) {
			if m, err := snapshot.Model("gpt-5.1"); err != nil || m.Name != "gpt-5.1" {
				t.Errorf("%+v, %v", m, err)
			}
		},
		"test_get_image_model":      models(registry.Image, "runware:97@1", "dall-e-3", "google:4@2"),
		"test_calculate_cost_text":  costs(registry.ContentGeneration, "gpt-5.1", usage.Tokens(1000, 500), "0.00625"),
		"test_calculate_cost_image": costs(registry.ImageGeneration, "dall-e-3", usage.Images(1), "0.04"),
	})

	loads := func(provider string) func(*testing.T) {
		return func(t *testing.T) {
			key, err := s.keys.Key(t.Context(), "acme", provider)
			if err != nil || len(key.Secret.Reveal()) <= 10 {
				t.Errorf("the key of %s: %v, %d bytes", provider, err, len(key.Secret.Reveal()))
			}
		}
	}
	group("APIKeyLoadingTests", map[string]func(*testing.T){
		"test_openai_key_loads":  loads("openai"),
		"test_runware_key_loads": loads("runware"),
	})

	group("CreditServiceTests", map[string]func(*testing.T){
		"test_calculate_credits_text_operation": func(t *testing.T) {
			price, err := snapshot.Configuration.Quote(registry.ContentGeneration, "gpt-5.1", usage.Tokens(1000, 2000))
			if credits, err2 := price.Credits(); err != nil || err2 != nil || credits != 3 {
				t.Errorf("1000 + 2000 tokens come to %d credits, %v, %v, want 3", credits, err, err2)
			}
		},
		"test_calculate_credits_image_operation": func(t *testing.T) {
			old, err := legacy() // whose models say nothing: the operation's minimum is charged, as the plan's test has it
			if err != nil {
				t.Fatal(err)
			}
			price, err := old.Quote(registry.ImageGeneration, "dall-e-3", usage.Images(1))
			if credits, err2 := price.Credits(); err != nil || err2 != nil || credits < 1 {
				t.Errorf("a picture comes to %d credits, %v, %v, want at least 1", credits, err, err2)
			}
		},
		"test_credit_cost_config_exists": func(t *testing.T) {
			for _, operation := range registry.Operations() { // the five of the plan, and the other three
				if o, err := snapshot.Operation(operation); err != nil || !o.Active {
					t.Errorf("operation %q: %+v, %v", operation, o, err)
				}
			}
		},
	})

	group("AISettingsTests", map[string]func(*testing.T){
		"test_get_model_config_returns_config": func(t *testing.T) {
			e, err := s.engine.Settings(t.Context(), s.set.Content, engine.Call{Account: "acme"})
			if err != nil || e.Model == nil || e.Model.MaxOutputTokens < 1 {
				t.Errorf("%+v, %v, want a model with a bound", e, err)
			}
		},
	})

	isLoaded := func(name, operation string, f engine.AnyFunction) func(*testing.T) {
		return func(t *testing.T) {
			if f.Name() != name || f.Operation() != operation || !slices.Contains(s.engine.Functions(), f) {
				t.Errorf("%q is charged as %q, and loaded is %t", f.Name(), f.Operation(), slices.Contains(s.engine.Functions(), f))
			}
		}
	}
	group("AIFunctionValidationTests", map[string]func(*testing.T){
		"test_auto_cluster_function_loads": func(t *testing.T) {
			isLoaded("auto_cluster", registry.Clustering, s.set.Cluster)(t)
			if err := s.set.Cluster.Validate(functions.ClusterInput{}); !errors.Is(err, engine.ErrInput) {
				t.Errorf("no keywords: %v, want %v", err, engine.ErrInput)
			}
		},
		"test_generate_ideas_function_loads":   isLoaded("generate_ideas", registry.IdeaGeneration, s.set.Ideas),
		"test_generate_content_function_loads": isLoaded("generate_content", registry.ContentGeneration, s.set.Content),
		"test_generate_images_function_loads":  isLoaded("generate_images", registry.ImageGeneration, s.set.Images),
	})

	group("GlobalIntegrationSettingsTests", map[string]func(*testing.T){
		"test_singleton_loads": func(t *testing.T) {
			one, err := s.db.Models().InForce(t.Context())
			if err != nil || one != 1 || snapshot.Version != one {
				t.Errorf("version %d is in force and %d is answered from, %v: want the one there is", one, snapshot.Version, err)
			}
		},
		"test_image_settings_exist": func(t *testing.T) {
			e, err := s.engine.Settings(t.Context(), s.set.Images, engine.Call{Account: "acme"})
			if err != nil || e.Style == "" || e.PerArticle < 1 {
				t.Errorf("style %q, %d pictures in an article, %v", e.Style, e.PerArticle, err)
			}
		},
	})

	group("AutomationServiceTests", map[string]func(*testing.T){
		"test_automation_service_imports": func(t *testing.T) {
			// It does not only load: its estimate asks the same functions of the same engine, by the same prices.
			rows := s.db.Content().Keywords()
			for _, text := range []string{"tea", "green tea", "black tea", "white tea", "tea pot"} {
				if err := rows.Save(t.Context(), content.Keyword{Base: content.Base{ID: content.NewID("site", text), Site: "site", Status: content.New}, Text: text}); err != nil {
					t.Fatal(err)
				}
			}
			e, err := s.pipeline.Estimate(t.Context(), pipeline.Request{Account: "acme", Site: "site"})
			if err != nil || len(e.Stages) != len(pipeline.StageNames()) || e.Total < 1 {
				t.Errorf("%+v, %v, want seven stages that cost something", e, err)
			}
		},
	})
}
