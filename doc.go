// Package scrip is the map of Scrip, a library for services that sell AI work against prepaid credits. It holds no code;
// import what you want of these:
//
// Money and models:
//
//   - [github.com/scrip-go/scrip/credits]: the ledger: grants, holds, settles, receipts, and the rules that every store applies
//   - [github.com/scrip-go/scrip/registry]: models, prices and settings, in versions; the one price function
//   - [github.com/scrip-go/scrip/registry/pricelist]: the price lists of LiteLLM and models.dev, as a change to be reviewed
//   - [github.com/scrip-go/scrip/usage] and [github.com/scrip-go/scrip/secret]: what a call measured, and keys that do not print and are kept sealed
//
// Calls:
//
//   - [github.com/scrip-go/scrip/engine]: the one gate that every billable call passes, and functions over it
//   - [github.com/scrip-go/scrip/engine/functions]: grouping keywords, planning and writing articles, describing and making pictures
//   - [github.com/scrip-go/scrip/observe/otel]: traces and metrics of the calls, a module of its own
//   - [github.com/scrip-go/scrip/providers]: what an adapter implements; openai, dalle and runware beneath it
//   - [github.com/scrip-go/scrip/providers/providertest]: the contract of an adapter as tests, and fake upstreams on loopback
//
// Work in stages:
//
//   - [github.com/scrip-go/scrip/automation]: durable runs of stages, whatever the stages do
//   - [github.com/scrip-go/scrip/automation/paid]: what stages that pay have in common, for those of a host's own
//   - [github.com/scrip-go/scrip/automation/content]: keywords, clusters, ideas, tasks, articles, images
//   - [github.com/scrip-go/scrip/automation/pipeline]: the seven stages from keywords to published articles
//   - [github.com/scrip-go/scrip/automation/folder]: publishing to a static site
//   - [github.com/scrip-go/scrip/automation/wordpress]: publishing to a WordPress site
//
// Storage:
//
//   - [github.com/scrip-go/scrip/stores/postgres], [github.com/scrip-go/scrip/stores/sqlite] and
//     [github.com/scrip-go/scrip/stores/memory]: every store interface
//   - [github.com/scrip-go/scrip/storetest]: the contract suites for stores of your own
//   - [github.com/scrip-go/scrip/blobs]: pictures in a directory
//
// For operators:
//
//   - [github.com/scrip-go/scrip/cmd/scrip]: the command line: schema, models and prices, shadow reports, keys, verification, usage
//
// The examples directory has whole programs: quickstart is the main job from end to end, webapp a web service with prepaid
// accounts, and ownprovider, ownstore and ownpipeline are what a host may write itself. The docs directory has a guide to the
// first two of these, writing-a-provider.md and writing-a-store.md, and operating.md, for a host in production.
package scrip
