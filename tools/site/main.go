// Site looks at a site made by package folder as a person would: it opens every page in headless Chromium, at the width
// of a desktop and of a phone, and reports what is wrong: pages and pictures that do not load, text that runs out of the
// side, headings out of order, placeholder text. It also takes screenshots of the index and of some pages.
//
//	go run ./site -screenshots /tmp/shots ../out
//
// It needs Chromium: Debian's package chromium, or a path in CHROMIUM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

func main() {
	shots := flag.String("screenshots", "", "folder for screenshots; none are taken if empty")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: site [-screenshots DIR] SITE")
		os.Exit(2)
	}
	problems, err := look(flag.Arg(0), *shots)
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	if problems > 0 {
		fmt.Printf("%d problems\n", problems)
		os.Exit(1)
	}
}

// view is a width that people read at.
type view struct {
	name          string
	width, height int64
}

var views = []view{{"desktop", 1280, 900}, {"phone", 390, 844}}

// page is what the browser says of a page.
type page struct {
	Pictures int      `json:"pictures"`
	Broken   []string `json:"broken"`   // pictures without pixels
	Overflow int      `json:"overflow"` // pixels that the page is wider than the window
	Headings []int    `json:"headings"` // levels, in order
	Text     string   `json:"text"`
}

// Pictures that are loaded lazily are asked for here, and waited for.
const ask = `(async () => {
	const imgs = [...document.images];
	for (const i of imgs) { i.loading = 'eager'; }
	await Promise.all(imgs.map(i => i.complete ? 0 : new Promise(r => { i.onload = r; i.onerror = r; })));
	return {
		pictures: imgs.length,
		broken: imgs.filter(i => i.naturalWidth === 0).map(i => i.src),
		overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
		headings: [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1]),
		text: document.body.innerText,
	};
})()`

func look(dir, shots string) (problems int, err error) {
	pages, err := list(dir)
	if err != nil {
		return 0, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	defer server.Close()

	browser, stop, err := start()
	if err != nil {
		return 0, err
	}
	defer stop()
	pictures := 0
	for _, v := range views {
		for i, name := range pages {
			p, status, err := visit(browser, v, "http://"+l.Addr().String()+"/"+name)
			if err != nil {
				return problems, fmt.Errorf("%s: %w", name, err)
			}
			pictures += p.Pictures
			for _, what := range wrong(p, status) {
				problems++
				fmt.Printf("%s, %s: %s\n", name, v.name, what)
			}
			if shots != "" && (name == "index.html" || i%12 == 3) {
				if err := shoot(browser, filepath.Join(shots, v.name+"-"+strings.ReplaceAll(name, "/", "-")+".png")); err != nil {
					return problems, err
				}
			}
		}
	}
	fmt.Printf("%d pages seen at %d widths, %d pictures decoded\n", len(pages), len(views), pictures)
	return problems, nil
}

// list returns the pages of a site.
func list(dir string) (pages []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".html") {
			name, _ := filepath.Rel(dir, path)
			pages = append(pages, filepath.ToSlash(name))
		}
		return err
	})
	if err == nil && len(pages) == 0 {
		err = fmt.Errorf("%s has no pages", dir)
	}
	sort.Strings(pages)
	return pages, err
}

func start() (context.Context, func(), error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if path := os.Getenv("CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocated, cancelAllocated := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocated)
	bounded, cancelBounded := context.WithTimeout(ctx, 10*time.Minute)
	stop := func() { cancelBounded(); cancel(); cancelAllocated() }
	if err := chromedp.Do(bounded); err != nil {
		stop()
		return nil, nil, errors.Join(errors.New("Chromium cannot be started: install Debian's package chromium, or name it in CHROMIUM"), err)
	}
	return bounded, stop, nil
}

// visit opens a page at a width and lets the browser say what it is.
func visit(ctx context.Context, v view, url string) (p page, status int64, err error) {
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(v.width, v.height)); err != nil {
		return p, 0, err
	}
	resp, err := chromedp.Run(ctx, chromedp.NavigateResponse(url))
	if err != nil {
		return p, 0, err
	}
	p, err = chromedp.Run(ctx, chromedp.Evaluate[page](ask, chromedp.EvalAwaitPromise))
	return p, resp.Status, err
}

func wrong(p page, status int64) (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if status != http.StatusOK && status != http.StatusNotModified {
		add("HTTP status %d", status)
	}
	for _, src := range p.Broken {
		add("picture %s has no pixels", src)
	}
	if p.Overflow > 0 {
		add("%d pixels run out of the side", p.Overflow)
	}
	level := 0
	for _, h := range p.Headings {
		if h > level+1 || level == 0 && h != 1 {
			add("a heading of level %d follows one of level %d", h, level)
		}
		level = h
	}
	lower := strings.ToLower(p.Text)
	for _, text := range []string{"lorem ipsum", "placeholder", "todo", "tbd", "{{", "}}", `{"`, `":`, "undefined", "<no value>", "%!"} {
		if strings.Contains(lower, text) {
			add("the text has %q in it", text)
		}
	}
	if len(strings.Fields(p.Text)) < 20 {
		add("there is hardly any text")
	}
	return out
}

func shoot(ctx context.Context, file string) error {
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o644)
}
