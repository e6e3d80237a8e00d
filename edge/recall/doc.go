// Package recall remembers where an app sends its requests, so that the edge can
// send those that follow there without asking: it is what the replay cache knows.
//
// A replay is kept for the requests below a path, or for those of one session below
// a path. [Cache.Find] looks for the longest path that has one, and prefers the
// session's own where both are equally long. Each is kept for its time at most: what
// is kept together is bounded, in bytes and so in number, and what is least used goes
// first.
//
// Whether a replay may be kept, and whether one that was found may be used, is the
// edge's to decide.
package recall
