package wordpress_test

import (
	"context"
	"fmt"
	"log"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/wordpress"
	"github.com/scrip-go/scrip/internal/wptest"
	"github.com/scrip-go/scrip/secret"
)

// A host makes the site once, asks it whether all is well, and gives it to the pipeline, which publishes on it.
func Example() {
	fake := wptest.New() // stands for the real site
	defer fake.Serve()()

	site, err := wordpress.New(wordpress.Config{URL: fake.URL, User: "ann", Password: secret.New("abcd efgh ijkl")})
	if err != nil {
		log.Fatal(err)
	}
	if err := site.Check(context.Background()); err != nil {
		log.Fatal(err)
	}
	post := content.Post{Key: "article-1", Article: content.Article{Title: "Green tea", Slug: "green-tea", HTML: "<h2>Green</h2><p>Tea.</p>"}}
	for range 2 { // the second time changes what the first time made
		published, err := site.Publish(context.Background(), post)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(published.ExternalID, published.ExternalURL == fake.URL+"/green-tea/")
	}
	// Output:
	// 1 true
	// 1 true
}

// Yoast's fields go along with each post; the site has registered them for its REST API.
func ExampleYoast() {
	fields := wordpress.Yoast(content.Post{Article: content.Article{MetaTitle: "Green tea, briefly"}})
	fmt.Println(fields["_yoast_wpseo_title"])
	// Output: Green tea, briefly
}
