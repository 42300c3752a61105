// Package content is the content model of the pipeline: Keyword → Cluster → Idea → Task → Article → Image.
//
// Each row has an id that is made from what it stands for ([NewID]), so that work which is repeated after a crash makes
// the same rows, and a status whose legal transitions [Table.Save] enforces in every store. Everything a model produced
// is kept on the row that it was produced for.
//
// The package also holds what publishing needs: [Post], the [Publisher] that takes it, and [Post.Render], which places
// its pictures.
//
// It imports nothing else of Scrip: a host may use it with a pipeline of its own.
package content
