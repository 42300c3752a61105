// Package wordpress publishes articles on a WordPress site, over its REST API and with an application password. The site
// needs no plugin.
//
// An article is one post, however often it is published and whatever became of the answers: its HTML ends with a comment
// that names its key, a marker, and the site is searched for that before anything is posted. The API itself keeps no two
// equal posts apart, and drops a field that nobody has registered, so there is no other place for a name. A picture's marker is
// its slug in the library. So the keys of all that publishes on a site must be different: those of one database are.
//
// What a person does to a post in WordPress, stays: its status, its date and its address are set when it is made and not touched
// again, also if it lies in the trash. Its text, its pictures and its terms are the article's, and are written over when that
// is published again. A picture that the article has no more stays in the library.
//
// WordPress takes application passwords over https only, unless the site says that it is a local environment. The user needs
// the right to publish posts, to upload files and, where categories or tags are new, to make them: an editor has them all.
package wordpress
