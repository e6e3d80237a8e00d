// Package edge is the proxy in front of an app's machines: it accepts a request,
// sends it to the nearest machine, and where that machine answers with a replay
// it delivers the whole request again to where the instruction says. What
// happened is one [journey.Record] per request.
//
// An [Edge] is an [http.Handler]; [Edge.Server] wraps it in a server with the
// protocol's limits. What is behind the handler does not know net/http's server:
// it works on an inbound request and a sink for the answer, so that the front
// can become a stricter reader of its own.
//
// # What a machine is told
//
// Fly-Client-IP, Fly-Forwarded-Port, Fly-Region, Fly-Request-Id, X-Forwarded-For,
// -Proto, -Port and -SSL, Via and traceparent; and after a replay Fly-Replay-Src.
// What a client sends under the names that only an edge may use is removed.
//
// # Deliberate differences
//
// From Fly's proxy:
//
//   - Errors come with a body that names the code (see [Code]) and says what
//     happened, and with the header Homing-Error; Fly's are mostly empty.
//   - A client's own fly-replay-src and the like never reach a machine, nor does
//     fly_replay_src, which many apps cannot tell from it.
//   - A repeated fly-replay header is invalid.
//
// Of the replay cache, of request bodies beyond the limit announced by Expect, of
// HTTP/2 to machines and of fly.toml's response options, this edge does nothing yet:
// such fields are ignored and such headers pass through.
package edge
