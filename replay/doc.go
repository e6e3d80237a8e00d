// Package replay is the vocabulary of the replay protocol: what an app answers
// to have its request delivered somewhere else, and what the machine there is
// told about where it came from. It does no I/O.
//
// An app asks for a replay with a response header (status and body of that
// response never reach the client):
//
//	fly-replay: region=ord;state=captured
//	fly-replay: region="iad,ord,us";elsewhere=true
//
//	replay      = field *( ";" field ) [ ";" ]
//	field       = name "=" value          ; blanks around both are ignored
//	value       = text | '"' text '"'     ; quoted where it holds a comma
//
// Names are case-insensitive, unknown ones are ignored (a newer proxy may know
// more), known ones with a bad value make the whole instruction invalid, as does
// a field given twice. Or it answers with [ContentType] and an object of the same
// fields, which can also change the request:
//
//	{"app":"x","transform":{"path":"/new","delete_headers":["cookie"]}}
//
// Beside either, an app may order what the replay cache does, see [CacheOrder].
// [Read] takes all of it, [Fields] too, from a header that is not net/http's; [Parse],
// [ParseJSON] and [ParseCache] take one each. The target reads [Source], or [Failure]
// when it was not reached. A client may ask for a place by itself, see [Placement].
//
// # Deliberate differences
//
// From what Fly documents (https://fly.io/docs/networking/dynamic-request-routing/);
// docs/specification.md says what is ours, and docs/protocol.md sets every tested
// behaviour beside Fly's. In the header form:
//
//   - A list may stand unquoted: region=iad,ord. A comma followed by a name and
//     "=" starts a new field: region=iad,state=x is two.
//   - state is raw to the next ";": commas, "=" and quotes belong to it. Our
//     formatter refuses what could not be read back.
//   - A bare number is no timeout: "10" is invalid, "10s" is ten seconds.
//   - The header given twice is invalid, and so is one beside a JSON form that says
//     something else.
//
// In the JSON form:
//
//   - It has 64 KiB at most, is one object of UTF-8 with nothing behind it, is not
//     compressed, and has no field twice in the objects that we know.
//   - Names are exact: "Region" is an unknown field. null is as good as absent.
//   - region may be a list of texts; true and false may stand in quotes.
//   - state cannot hold ";" or control characters, since it travels on in a header;
//     blanks at its ends are lost there, so they are lost here too.
//   - transform.path is visible ASCII that begins with "/", without "#".
//   - transform cannot name Host, Expect, what frames the message or ends at each
//     hop, nor Fly-*, Homing-* and X-Forwarded-*, with "_" for "-" or not: machines
//     believe those because only an edge sets them.
//
// In the cache:
//
//   - A time below 10 seconds, a missing time or path, and a pattern that does not
//     match the request are no errors: the replay is carried out and not cached.
//     What cannot be read at all makes the replay invalid.
//   - A replay with elsewhere is never cached. allow-bypass may be "true".
//   - Paths are compared decoded; those that machines could understand in several
//     ways are never cached, see [CachePath].
//
// In what machines and clients say:
//
//   - A reason in fly-replay-failed may be a word that we do not know.
//   - A malformed preference of a client is dropped, a malformed force is an error.
//     Several headers with regions are one list, of 64 at most.
//
//go:generate go test ./corpus -run TestPageIsFresh -update
package replay

// Names of the protocol's headers, in the canonical form of net/http.
const (
	Header               = "Fly-Replay"     // an app's answer: deliver this again
	SourceHeader         = "Fly-Replay-Src" // a replayed request: where from, see [Source]
	FailedHeader         = "Fly-Replay-Failed"
	CacheHeader          = "Fly-Replay-Cache"
	CacheStatusHeader    = "Fly-Replay-Cache-Status"
	CacheTTLHeader       = "Fly-Replay-Cache-Ttl-Secs"
	CacheBypassHeader    = "Fly-Replay-Cache-Allow-Bypass"
	CacheControlHeader   = "Fly-Replay-Cache-Control" // a client: "skip" the cache, where that is allowed
	PreferRegionHeader   = "Fly-Prefer-Region"        // a client: where to be served, see [Placement]
	ForceRegionHeader    = "Fly-Force-Region"
	PreferInstanceHeader = "Fly-Prefer-Instance-Id"
	ForceInstanceHeader  = "Fly-Force-Instance-Id"
	PreferredGoneHeader  = "Fly-Preferred-Instance-Unavailable" // value: the machine that could not be had
	RegionHeader         = "Fly-Region"                         // the edge's region; its presence says that somebody replays
	PrimaryHeader        = "Homing-Primary"                     // the edge to machines: where the primary is
	RoleHeader           = "Homing-Role"                        // a machine to the edge: its database's role
	ForwardedHeader      = "Homing-Forwarded"                   // a request that a machine sent home by itself, see homing/homeward
	DecisionHeader       = "Homing-Decision"                    // a machine to the edge: what was decided, and why
	PositionHeader       = "Homing-Position"                    // a client's token, in both directions
	ErrorHeader          = "Homing-Error"                       // the edge to clients: the code of what went wrong
	DidHeader            = "Homing-Did"                         // an app to its sidecar: "wrote" or "refused", see homing/sidecar
	OutcomeHeader        = "Homing-Outcome"                     // an answer: "unknown" if the database went away at work
	PositionCookiePrefix = "homing-position-"
)

// MaxHops is how often one request may be replayed.
const MaxHops = 10
