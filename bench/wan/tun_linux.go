package wan

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	tunFile = "/dev/net/tun"
	tunName = "wan0"
	mtu     = 1500
	// The kernel drops what nobody has read from a device. Bursts of whole windows
	// must find room.
	tunQueue = 20_000
	// With bundles each packet has virtio's header before it, which says how the
	// bundle is to be cut. It is passed on as it comes.
	bundleHeader = 10
	largest      = bundleHeader + 64<<10
)

// tun is the device of a site. What the site sends is read from it, and what is written
// to it arrives in the site.
type tun struct {
	fd     int
	header int // bytes before each packet
}

// openTUN gives a namespace its device, which has the address and leads to all others,
// and its loopback.
func openTUN(in *namespace, addr netip.Addr, cfg Config) (*tun, error) {
	t := &tun{fd: -1}
	return t, in.do(func() (err error) {
		t.fd, err = unix.Open(tunFile, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
			return fmt.Errorf("open %s: %w: load the kernel's module tun, or give the container the device", tunFile, err)
		} else if err != nil {
			return privileged("a TUN device", err)
		}
		// What is lost or waits for its turn must be single packets.
		if err := t.attach(cfg.Loss == 0 && cfg.Rate == 0); err != nil {
			return privileged("a TUN device", err)
		}
		return bringUp(addr, cfg)
	})
}

func (t *tun) attach(bundles bool) error {
	ifr, err := unix.NewIfreq(tunName)
	if err != nil {
		return err
	}
	flags := uint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if bundles {
		flags |= unix.IFF_VNET_HDR
		t.header = bundleHeader
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(t.fd, unix.TUNSETIFF, ifr); err != nil || !bundles {
		return err
	}
	return unix.IoctlSetInt(t.fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4)
}

// bringUp sets up the devices of the namespace that it runs in.
func bringUp(addr netip.Addr, cfg Config) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	dev, err := netlink.LinkByName(tunName)
	if err != nil {
		return fmt.Errorf("find %s: %w", tunName, err)
	}
	ip := net.IP(addr.AsSlice())
	if err := errors.Join(
		netlink.LinkSetUp(lo),
		netlink.LinkSetMTU(dev, mtu),
		netlink.LinkSetTxQLen(dev, tunQueue),
		netlink.AddrAdd(dev, &netlink.Addr{IPNet: netlink.NewIPNet(ip)}),
		netlink.LinkSetUp(dev),
	); err != nil {
		return fmt.Errorf("set up %s: %w", tunName, err)
	}
	return lead(dev, ip, cfg)
}

// lead makes the device the way to all sites. The congestion control stands at the route
// because a namespace may choose for itself only among those that the whole machine
// allows to everybody.
func lead(dev netlink.Link, from net.IP, cfg Config) error {
	route := &netlink.Route{
		LinkIndex: dev.Attrs().Index, Scope: netlink.SCOPE_LINK, Src: from,
		Dst:     &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), 32)},
		Congctl: cfg.Congestion, InitCwnd: cfg.InitialWindow,
	}
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("route to the other sites with congestion control %s: %w", cfg.Congestion, err)
	}
	return nil
}

// read returns the next packet that the site sends; none where there is none now.
func (t *tun) read(b []byte) []byte {
	n, err := unix.Read(t.fd, b)
	if err != nil || n <= 0 {
		return nil
	}
	return b[:n]
}

// destination is the number of the site that a packet is for.
func (t *tun) destination(b []byte) (number int, ok bool) {
	if len(b) < t.header+20 || b[t.header]>>4 != 4 {
		return 0, false
	}
	return numberOf(netip.AddrFrom4([4]byte(b[t.header+16 : t.header+20])))
}

func (t *tun) write(b []byte) { _, _ = unix.Write(t.fd, b) } // a packet that is not taken is lost, as in any network

func (t *tun) close() error {
	if t.fd < 0 {
		return nil
	}
	return unix.Close(t.fd)
}
