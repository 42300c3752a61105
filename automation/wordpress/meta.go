package wordpress

import "github.com/scrip-go/scrip/automation/content"

// Yoast returns what the plugin Yoast SEO reads of a post: its title and description for search engines, and what it is to be
// found by. It is for [Config.Meta], as are [SEOPress] and [AIOSEO]. There is no standard for these fields, and the plugins do not
// register all of them for the REST API by themselves: a site has to do so with register_post_meta and show_in_rest.
func Yoast(p content.Post) map[string]string {
	return map[string]string{"_yoast_wpseo_title": p.Article.MetaTitle, "_yoast_wpseo_metadesc": p.Article.MetaDescription, "_yoast_wpseo_focuskw": p.Article.Primary}
}

// SEOPress is as [Yoast].
func SEOPress(p content.Post) map[string]string {
	return map[string]string{"_seopress_titles_title": p.Article.MetaTitle, "_seopress_titles_desc": p.Article.MetaDescription, "_seopress_analysis_target_kw": p.Article.Primary}
}

// AIOSEO is as [Yoast].
func AIOSEO(p content.Post) map[string]string {
	return map[string]string{"_aioseo_title": p.Article.MetaTitle, "_aioseo_description": p.Article.MetaDescription, "_aioseo_keywords": p.Article.Primary}
}
