// Package observe counts what an app's requests would do in several regions, while it
// still runs in one: which could be answered near their client, which would be sent
// home and why, and what each client region would gain. It sees requests through their
// handler and changes nothing about them.
//
// A [Recorder] takes a [Request] for each one that was answered, and tells a [Report]
// at any time. What it keeps is bounded: [MaxRoutes] routes and [MaxRegions] client
// regions; what comes beyond is counted together. Of a request's path and query only
// the path is kept, with what looks like an identifier taken out.
//
// # What the figures mean
//
// A time now is how long the handler took, and the round trip between the client's
// region and this one, as far as both have a place ([region.RoundTrip]); so it is that
// of a client on a warm connection, without the last mile to its region's edge. The
// expected time leaves that round trip out for what could be answered there, by a
// replica as fast as the database here. Medians and percentiles are read off buckets
// that are a twentieth wide. Not counted are reads that would wait for their client's own write to
// arrive, a few percent of reads in most apps.
package observe
