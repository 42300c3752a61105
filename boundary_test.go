package scrip_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/scrip-go/scrip"

// rule says what a package may import besides the standard library: packages of ours by their path in the module, a
// trailing slash for everything beneath it, and packages of others by their import path.
type rule struct {
	ours   []string
	others []string
}

const (
	decimal    = "github.com/shopspring/decimal"
	reflector  = "github.com/invopop/jsonschema"
	validator  = "github.com/santhosh-tekuri/jsonschema/v6"
	validator2 = "github.com/santhosh-tekuri/jsonschema/v6/kind"
	semaphores = "golang.org/x/sync/semaphore"
	rates      = "golang.org/x/time/rate"
	tokenizer  = "golang.org/x/net/html"
	atoms      = "golang.org/x/net/html/atom"
	sanitiser  = "github.com/microcosm-cc/bluemonday"
	driver     = "modernc.org/sqlite"
	driverLib  = "modernc.org/sqlite/lib"
	unix       = "golang.org/x/sys/unix"
	windows    = "golang.org/x/sys/windows"
	checker    = "github.com/anishathalye/porcupine"
	pgx        = "github.com/jackc/pgx/v5"
	pgconn     = "github.com/jackc/pgx/v5/pgconn"
	pgxpool    = "github.com/jackc/pgx/v5/pgxpool"
	otel       = "go.opentelemetry.io/otel"
	kong       = "github.com/alecthomas/kong"
	terminal   = "golang.org/x/term"
	puddle     = "github.com/jackc/puddle/v2" // what pgxpool is built on, for the error of a closed pool
)

// telemetry reaches one module and no other.
var telemetry = []string{otel, otel + "/attribute", otel + "/codes", otel + "/metric", otel + "/trace",
	otel + "/semconv/v1.41.0", otel + "/semconv/v1.41.0/genaiconv"}

// rules are the arrows between packages: inward, and as few as there are. A package that is not here may not exist.
var rules = map[string]rule{
	".":        {},
	"usage":    {},
	"secret":   {},
	"credits":  {ours: []string{"usage"}, others: []string{decimal}},
	"registry": {ours: []string{"usage", "credits"}, others: []string{decimal}},

	"registry/pricelist": {ours: []string{"registry"}, others: []string{decimal}},

	"providers":                     {ours: []string{"usage", "secret"}, others: []string{decimal}},
	"providers/internal/wire":       {ours: []string{"usage", "secret", "providers"}, others: []string{decimal}},
	"providers/internal/openaiwire": {ours: []string{"providers", "providers/internal/wire"}},
	"providers/internal/wiretest":   {ours: []string{"secret", "providers", "internal/reach"}},
	"providers/openai":              {ours: []string{"usage", "secret", "providers", "providers/internal/"}, others: []string{decimal}},
	"providers/dalle":               {ours: []string{"usage", "secret", "providers", "providers/internal/"}, others: []string{decimal}},
	"providers/runware":             {ours: []string{"usage", "secret", "providers", "providers/internal/"}, others: []string{decimal}},
	"providers/providertest":        {ours: []string{"usage", "secret", "providers", "internal/reach"}, others: []string{decimal}},

	"engine":                         {ours: []string{"usage", "secret", "credits", "registry", "providers"}, others: []string{decimal, reflector, validator, validator2, semaphores, rates}},
	"engine/functions":               {ours: []string{"engine", "providers"}, others: []string{tokenizer, atoms}},
	"engine/functions/functionstest": {ours: []string{"engine", "engine/functions", "engine/functions/functionstest/", "providers", "providers/providertest"}},

	"automation":           {ours: []string{"credits"}},
	"automation/content":   {},
	"automation/folder":    {ours: []string{"automation/content", "internal/durable"}},
	"automation/wordpress": {ours: []string{"automation/content", "secret"}},
	"automation/paid":      {ours: []string{"automation", "engine", "credits", "registry", "providers", "secret"}}, // the last four for the errors that it classifies
	"automation/pipeline": {ours: []string{"automation", "automation/content", "automation/paid", "engine", "engine/functions", "credits", "usage",
		"registry"}, others: []string{sanitiser}},

	"internal/durable":        {},
	"internal/wptest":         {}, // for tests only, as pgtest
	"internal/reach":          {}, // for tests only, as pgtest
	"internal/pgtest/find":    {ours: []string{"internal/pgtest"}},
	"internal/pgtest":         {others: []string{pgx, pgxpool}}, // for tests only: none of our packages may import it
	"internal/weight":         {},                               // a test; the two programs beneath it are there to be weighed
	"internal/weight/plain":   {},
	"internal/weight/metered": {ours: []string{"secret", "registry", "providers", "providers/openai", "engine", "stores/memory"}},
	"internal/ledgerproof":    {}, // tests and nothing else: no package may import it
	"internal/schemaproof":    {}, // as ledgerproof
	"internal/operatingproof": {}, // as ledgerproof
	"internal/openaispec":     {}, // a command for the tests beside it: no package can import it
	"internal/gateproof":      {}, // as ledgerproof
	"internal/runproof":       {}, // as ledgerproof
	"internal/benchmark":      {},
	"internal/runbench": {ours: []string{"automation", "automation/content", "automation/pipeline", "blobs", "credits", "engine", "engine/functions",
		"engine/functions/functionstest", "internal/benchmark", "internal/pgtest", "providers", "providers/dalle", "providers/openai", "providers/providertest",
		"registry", "secret", "stores/postgres", "stores/sqlite"}}, // a command: no package can import it
	"internal/ledgerbench": {ours: []string{"usage", "credits", "internal/benchmark", "internal/pgtest", "stores/memory", "stores/sqlite", "stores/postgres"},
		others: []string{decimal, driver, pgx, pgxpool}}, // a command: no package can import it

	"cmd/scrip": {ours: []string{"credits", "registry", "registry/pricelist", "secret", "stores/sqlite", "stores/postgres"},
		others: []string{decimal, kong, terminal, pgconn, pgxpool}}, // a command: no package can import it

	"observe/otel": {ours: []string{"usage", "credits", "registry", "providers", "engine"}, others: telemetry}, // a module of its own

	"blobs":                   {ours: []string{"internal/durable"}},
	"stores/internal/dbstore": {ours: []string{"credits", "secret", "automation", "automation/content", "usage"}, others: []string{decimal}},
	"stores/memory":           {ours: []string{"credits", "registry", "secret", "automation", "automation/content", "usage"}, others: []string{decimal}},
	"stores/sqlite": {ours: []string{"credits", "registry", "secret", "automation", "automation/content", "usage", "stores/internal/dbstore"},
		others: []string{decimal, driver, driverLib, unix, windows}},
	"stores/postgres": {ours: []string{"credits", "registry", "secret", "automation", "automation/content", "usage", "stores/internal/dbstore"},
		others: []string{decimal, pgx, pgconn, pgxpool, puddle}},
	"storetest": {ours: []string{"credits", "registry", "secret", "automation", "automation/content", "usage"}, others: []string{decimal}},
}

// light are the packages that every host gets; a driver in their tests would reach every host's go.sum, so those use
// the memory store.
var light = []string{"usage", "secret", "credits", "registry", "providers", "engine", "engine/functions"}

// check says what is wrong with an import, or returns "".
func check(pkg, imported string, test bool) string {
	own, ours := strings.CutPrefix(imported, module+"/")
	switch {
	case strings.HasPrefix(pkg, "examples/"): // a host may import everything
		return ""
	case test && slices.Contains(light, pkg) && (own == "stores/sqlite" || own == "stores/postgres" || own == "internal/pgtest" ||
		strings.HasPrefix(imported, driver) || strings.HasPrefix(imported, pgx) || imported == checker):
		return "tests of a core package use stores/memory"
	case test || standard(imported):
		return ""
	}
	r, known := rules[pkg]
	if !known {
		return "the package is not in the rules of boundary_test.go"
	}
	if ours {
		for _, allowed := range r.ours {
			if own == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(own, allowed) {
				return ""
			}
		}
		return "no arrow of the design goes there"
	}
	if slices.Contains(r.others, imported) {
		return ""
	}
	return "the dependency is not among those of the package"
}

// standard reports whether a package is of the standard library: its first element is no domain name.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func TestImportsPointInward(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name != "." && strings.HasPrefix(name, ".") || name == "testdata" || name == "tools" || name == "out" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(file))
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			seen++
			if why := check(pkg, imported, strings.HasSuffix(file, "_test.go")); why != "" {
				t.Errorf("%s imports %q: %s", file, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("%d imports were seen: the walk does not reach the packages", seen)
	}
}

// TestCheckRefuses shows that the rules would catch what they are for.
func TestCheckRefuses(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		test          bool
	}{
		{"credits", "modernc.org/sqlite", false},
		{"credits", module + "/registry", false},
		{"registry", "github.com/jackc/pgx/v5", false},
		{"providers", "github.com/openai/openai-go", false},
		{"engine", "go.opentelemetry.io/otel", false},
		{"engine", module + "/automation", false},
		{"engine/functions", module + "/credits", false},
		{"automation", module + "/engine", false},
		{"automation/folder", module + "/automation", false},
		{"stores/sqlite", module + "/engine", false},
		{"stores/memory", module + "/providers/openai", false},
		{"storetest", "modernc.org/sqlite", false},
		{"engine", module + "/stores/sqlite", true},
		{"stores/postgres", module + "/internal/pgtest", false},
		{"stores/sqlite", module + "/internal/ledgerproof", false},
		{"internal/ledgerproof", checker, false},
		{"credits", checker, true},
		{"stores/sqlite", "github.com/jackc/pgx/v5", false},
		{"stores/sqlite", kong, false},
		{"somewhere/new", "github.com/shopspring/decimal", false},
	} {
		if check(c.pkg, c.imported, c.test) == "" {
			t.Errorf("check(%q, %q, %v) lets it pass", c.pkg, c.imported, c.test)
		}
	}
	if why := check("engine", "net/http", false); why != "" {
		t.Errorf("check refuses the standard library: %s", why)
	}
}
