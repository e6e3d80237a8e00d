package replay

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MinCacheTTL is the shortest time a replay is cached for.
const MinCacheTTL = 10 * time.Second

// What a target is told in [CacheStatusHeader]. A request that was not replayed
// carries no such header.
const (
	CacheHit    = "hit"    // the replay came from the cache; the app was not asked
	CacheMiss   = "miss"   // the app was asked
	CacheBypass = "bypass" // the client asked to skip the cache, and may
)

// CacheOrder is what an app asks of the replay cache beside a replay: keep this
// one for these requests, or forget the one that led here. The zero value asks
// for nothing.
type CacheOrder struct {
	// Pattern is which requests the replay is for.
	Pattern Pattern
	// TTL is for how long, in whole seconds; below [MinCacheTTL]: not at all.
	TTL time.Duration
	// AllowBypass lets clients skip the entry, see [CacheControlHeader].
	AllowBypass bool
	// Invalidate forgets what is cached for the request. Such a replay goes back to
	// the app that asked for the cached one, and is not cached itself.
	Invalidate bool
}

// invalidate is what [CacheHeader] says in place of a pattern.
const invalidate = "invalidate"

// IsZero reports whether o asks for nothing.
func (o CacheOrder) IsZero() bool { return o == CacheOrder{} }

// ParseCache reads the headers fly-replay-cache, -ttl-secs and -allow-bypass of an
// answer; names are in the canonical form of net/http. The error is a
// [*SyntaxError] whose field is the header. That a replay is not for the cache, or
// not for this request, is no error: see [Instruction.Cacheable] and
// [CacheOrder.Fits].
func ParseCache(header map[string][]string) (CacheOrder, error) {
	f := gather(header, CacheHeader, CacheTTLHeader, CacheBypassHeader)
	return f.cacheOrder()
}

// cacheOrder is [ParseCache] for these fields.
func (f *Fields) cacheOrder() (CacheOrder, error) {
	var o CacheOrder
	for _, part := range [...]struct {
		name  string
		field field
	}{{CacheHeader, f.cache}, {CacheTTLHeader, f.ttl}, {CacheBypassHeader, f.bypass}} {
		value, found, err := part.field.single()
		if found && err == nil {
			err = o.set(part.name, trim(value))
		}
		if err != nil {
			return CacheOrder{}, &SyntaxError{Field: strings.ToLower(part.name), Err: err}
		}
	}
	return o, nil
}

// set reads one of the headers.
func (o *CacheOrder) set(name, value string) (err error) {
	switch name {
	case CacheHeader:
		if o.Invalidate = strings.EqualFold(value, invalidate); !o.Invalidate {
			o.Pattern, err = ParsePattern(value)
		}
	case CacheTTLHeader:
		o.TTL, err = parseTTL(value)
	case CacheBypassHeader:
		o.AllowBypass, err = parseYes(value)
	}
	return err
}

// SetHeaders writes the order beside a fly-replay header; nothing if it is zero.
func (o CacheOrder) SetHeaders(header map[string][]string) error {
	field, err := o.check()
	if err == nil && o.Invalidate && (o.Pattern != Pattern{} || o.TTL != 0 || o.AllowBypass) {
		field, err = "cache.invalidate", errors.New("stands alone in headers")
	}
	if err != nil {
		return fmt.Errorf("replay: %s: %w", field, err)
	}
	if o.Invalidate {
		header[CacheHeader] = []string{invalidate}
	}
	if o.Pattern.Path != "" {
		header[CacheHeader] = []string{o.Pattern.String()}
	}
	if o.TTL != 0 {
		header[CacheTTLHeader] = []string{strconv.Itoa(int(o.TTL / time.Second))}
	}
	if o.AllowBypass {
		header[CacheBypassHeader] = []string{"yes"}
	}
	return nil
}

// Fits reports why the order does not cache a replay of a request to this host
// and path, both as [Pattern.Matches] wants them; nil if it does.
func (o CacheOrder) Fits(host, path string) error {
	switch {
	case o.Invalidate:
		return errors.New("it empties the cache")
	case o.Pattern.Path == "":
		return errors.New("it names no path")
	case o.TTL < MinCacheTTL:
		return fmt.Errorf("its time is %v, and the least is %v", o.TTL, MinCacheTTL)
	case !o.Pattern.Matches(host, path):
		return fmt.Errorf("its pattern %s does not match the request", clip(o.Pattern.String()))
	}
	return nil
}

// Cacheable reports why this replay is never cached, by path or by session,
// whatever the settings; nil if it may be.
func (in Instruction) Cacheable() error {
	switch {
	case in.State != "":
		return errors.New("it has a state")
	case !in.Transform.IsZero():
		return errors.New("it has a transform")
	case in.Timeout != 0:
		return errors.New("it has a timeout")
	case in.Fallback != NoFallback:
		return errors.New("it has a fallback")
	case in.Elsewhere:
		return errors.New("it says elsewhere, which depends on who answered")
	case in.Cache.Invalidate:
		return errors.New("it empties the cache")
	}
	return nil
}

// SkipsCache reports whether a client asks for the app to be asked again, given
// the values of [CacheControlHeader]. It counts only where the app allows it.
func SkipsCache(values []string) bool {
	value, found, err := single(values)
	return found && err == nil && strings.EqualFold(trim(value), "skip")
}

// check returns what cannot be written, and the path of the field.
func (o CacheOrder) check() (field string, err error) {
	if p, err := ParsePattern(o.Pattern.String()); o.Pattern != (Pattern{}) && (err != nil || p != o.Pattern) {
		return "cache.prefix", fmt.Errorf("cannot be written: %q", clip(o.Pattern.Host+o.Pattern.Path))
	}
	if o.TTL < 0 || o.TTL%time.Second != 0 || o.TTL/time.Second > maxTTLSeconds {
		return "cache.ttl", fmt.Errorf("want whole seconds, not %v", o.TTL)
	}
	return "", nil
}

// maxTTLSeconds is more than anybody waits, and far from where times overflow.
const maxTTLSeconds = 1<<31 - 1

func parseTTL(s string) (time.Duration, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("want a whole number of seconds such as 60, not %q", clip(s))
	}
	return time.Duration(n) * time.Second, nil
}

// parseYes reads the word Fly documents, "yes", and those of the other fields.
func parseYes(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes":
		return true, nil
	case "no":
		return false, nil
	}
	return parseBool(s)
}
