// Package claim measures what the project is built on, instead of repeating it: that a
// request which writes is better sent to the primary as a whole than query by query.
//
// Several regions run on one machine, with the distances between them on everything
// that crosses: PostgreSQL's replication, connections to its primary, and requests from
// edge to edge. In each region users write, read what they have just written, and read,
// by an app that makes k queries in a request, in six ways; see [Strategies]. What is
// measured is how long each request takes its user, to the last byte, and how often
// somebody does not find their own write.
//
//	report, err := claim.Run(ctx, claim.Config{Regions: regions, Primary: "ord", Distances: dev.RealDistances, Queries: []int{1, 5, 20}})
//	report.Result().Write("bench/results")
//
// Run returns an error, and no figures, if a way of doing it was found not to do what
// it says: each request's journey tells where it ran.
package claim
