package position

import "strings"

// Sign returns a signature of text by the first key, written KEY.MAC as in a token;
// nothing if there are no keys. What is signed for one purpose, a few words without
// a zero byte, is not valid for another, and neither for nor as a token.
func (ks Keys) Sign(purpose, text string) string {
	if ks.IsZero() {
		return ""
	}
	k := ks.keys[0]
	mac := k.mac(purposes+purpose, text)
	return k.id + "." + string(mac[:])
}

// Verify reports whether one of the keys has signed text for that purpose. Without
// keys nothing is signed.
func (ks Keys) Verify(purpose, text, signature string) bool {
	id, mac, _ := strings.Cut(signature, ".")
	return ks.verify(purposes+purpose, text, id, mac)
}

// purposes begins the domains of what Sign signs: tokens have another.
const purposes = "homing signed "
