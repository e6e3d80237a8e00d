package homing

import "sync/atomic"

// share counts how many of an app's requests write.
type share struct{ all, writes atomic.Int64 }

// shareSample is after how many requests the share is judged.
const shareSample = 1000

// count counts a request, and says once in the log when most of them write: each
// travels home then, and replicas have little to do.
func (s *Site) count(wrote bool) {
	if wrote {
		s.share.writes.Add(1)
	}
	all := s.share.all.Add(1)
	if all%shareSample != 0 {
		return
	}
	if writes := s.share.writes.Load(); 2*writes > all {
		s.tellOnce("share", "homing: more than half of this app's requests write, and each of them goes to the primary's region; "+
			"replicas do not suit such an app", "requests", all, "writes", writes)
	}
}
