// Package wan puts regions at their distances from each other on one machine, at the
// level of packets: each site is a network namespace with a TUN device, and what one
// site's kernel sends reaches the other's after the delay between the two. So TCP is the
// real thing: handshakes, slow start, windows, and what they become after a pause cost
// what they cost over an ocean. (Package dev/link delays bytes of connections, which has
// none of this and needs no privilege.)
//
//	n, err := wan.New(wan.Config{Sites: []region.Code{"gru", "ord"}})
//	…
//	defer n.Close()
//	l, err := n.Site("ord").Listen(ctx, "tcp", ":8080")
//	…
//	transport := &http.Transport{DialContext: n.Site("gru").DialContext}
//	resp, err := transport.RoundTrip(request) // for http://ord:8080/
//
// It is for benchmarks and for tests, works on Linux, and needs root: [New] says so
// otherwise. The kernel needs no traffic control (netem). Nothing is left behind: devices
// and namespaces have no names outside this process and end with it, however it ends,
// unless a process that was started in a site lives on.
//
// # How exact it is
//
// One thread reads packets, notes when they are due and writes them then; it sleeps by
// the kernel's high-resolution clock, not by Go's timers, which may be a millisecond
// late. A packet arrives within some 100 µs after its delay while the machine is not
// busy. The thread is one of GOMAXPROCS: where the program leaves it no processor, packets
// are late, and with much to carry a second processor is of use.
//
// Without loss and rate packets of TCP pass in bundles of up to 64 KiB, as network cards
// take and give them, and two cores carry about 10 Gbit/s. With either, each packet passes
// by itself, as on the cable, and it is about 1 Gbit/s. What one connection gets is bound
// by its buffers, too: net.ipv4.tcp_wmem over the round trip.
package wan
