// Package homeward sends a request home, to the region of the primary, where nobody
// in front of the app carries out replays: over connections that are kept, with the
// answer streamed back as it comes.
//
// A [Way] leads there. What it sends carries a [Stamp], which says where the request
// was before and why it left, and is signed: the site that gets it can believe that,
// and none sends such a request on, so that two sites that each take the other for
// the primary cannot hand a request back and forth.
//
// # Nothing runs twice
//
// A write is sent once. If the exchange breaks off after a byte of it has left, the
// client is told that the request may have been carried out (502, Homing-Outcome:
// unknown). A GET or HEAD that writes nothing is tried once more on a fresh
// connection if no byte of an answer came; so is anything of which no byte has left.
// Where nothing was sent the client gets 503 with Retry-After.
//
// A body that nobody has read yet streams, whatever its size. One that the app has
// read before it turned out that the request belongs at home must have been kept
// meanwhile: see [Way.Keep].
//
// # What the primary's site is sent
//
// The request as it came: method, target, Host and fields, but for those that end at
// each hop, and those that would be believed there and be wrong: Fly-Region (nobody
// in front has replayed), fly-replay-src and its like, Homing-Primary, an older
// Homing-Forwarded. The client's fly-force-* and fly-prefer-* are taken off too, as a
// replay overrides them: where the way leads to a proxy that obeys them, they could
// lead away from the primary. X-Forwarded-For is continued; X-Forwarded-Proto and
// X-Forwarded-Host say what the first proxy said, or what the client did where there
// was none. Added are Via and:
//
//	fly-prefer-region: ord
//	Homing-Forwarded: from=gru;to=ord;reason=method;t=1754000000000000;mac=3f.q83v…
//
// The first is for a proxy at the other end. In the second, from is where the request
// was, to the region of the primary as it is known there, reason one of the words of
// package decision for going home, t when it was sent, in microseconds since 1970.
// Fields that are not known are ignored, and signed like the others; none may be given
// twice; mac is the last. It is KEY.MAC as in a token: two hexadecimal digits of the
// key's hash, and in base64url 128 bits of HMAC-SHA256, by the first key of
// HOMING_SECRET, over
//
//	"homing signed homing-forwarded" NUL method LF host LF target LF fields
//
// where fields is all that stands before ";mac=", and host and target are as on the
// wire. Whoever stands in between must keep both, or the stamp is not believed.
//
// # What the primary's site does with it
//
// A stamp is believed if one of its keys has signed it and t is within five minutes.
// The request has then come home, for that reason. A stamp that is not believed says
// nothing. But a request that carries one at all is never sent on by the site itself:
// where it would have to be, the answer is 508, which says what to correct. A proxy in
// front that carries out replays may still be asked for one.
//
// An answer that asks for a replay is one that should have been carried out over
// there. It becomes a 502.
package homeward
