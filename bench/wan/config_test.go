package wan

import (
	"strings"
	"testing"
	"time"

	"homing/region"
)

func TestValidate(t *testing.T) {
	oneSecond := func(a, b region.Code) time.Duration { return time.Second }
	for _, tt := range []struct {
		behaviour string
		cfg       Config
		want      string // a part of the error; "": none
	}{
		{"regions with places", Config{Sites: []region.Code{"gru", "ord"}}, ""},
		{"places of one's own with delays", Config{Sites: []region.Code{"here", "there"}, Delay: oneSecond}, ""},
		{"places of one's own without", Config{Sites: []region.Code{"here"}}, "nobody knows where here is"},
		{"no site", Config{}, "0 sites"},
		{"more than there are addresses", Config{Sites: make([]region.Code, 251)}, "251 sites"},
		{"a region twice", Config{Sites: []region.Code{"gru", "gru"}}, "gru is there twice"},
		{"a group of regions", Config{Sites: []region.Code{"eu"}}, `"eu" is no single region`},
		{"everything lost", Config{Sites: []region.Code{"gru"}, Loss: 1}, "a loss of 1"},
		{"less than nothing lost", Config{Sites: []region.Code{"gru"}, Loss: -0.1}, "a loss of -0.1"},
		{"a negative rate", Config{Sites: []region.Code{"gru"}, Rate: -1}, "below 0"},
		{"a setting of the network", Config{Sites: []region.Code{"gru"}, Sysctl: map[string]string{"net.ipv4.tcp_rmem": "1 2 3"}}, ""},
		{"a setting of the machine", Config{Sites: []region.Code{"gru"}, Sysctl: map[string]string{"kernel.panic": "1"}}, "none of a network"},
		{"a setting by a way around", Config{Sites: []region.Code{"gru"}, Sysctl: map[string]string{"net/../kernel.panic": "1"}}, "none of a network"},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			err := tt.cfg.validate()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestTheDelayIsHalfTheRoundTripOfThePlaces(t *testing.T) {
	cfg := Config{}.withDefaults()
	trip, _ := region.RoundTrip("gru", "ord")
	if got := cfg.Delay("gru", "ord"); got != trip/2 || got == 0 {
		t.Errorf("%v one way, where %v is there and back", got, trip)
	}
}

func TestAQueueHoldsATenthOfASecond(t *testing.T) {
	for rate, want := range map[int64]int64{0: 64 << 10, 1e6: 64 << 10, 100e6: 1_250_000} {
		if got := (Config{Rate: rate}).withDefaults().Queue; got != want {
			t.Errorf("at %d bit/s a queue of %d bytes, want %d", rate, got, want)
		}
	}
}
