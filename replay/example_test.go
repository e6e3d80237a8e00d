package replay_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"homing/region"
	"homing/replay"
)

func ExampleParse() {
	in, err := replay.Parse(`region="iad,us"; state=captured; timeout=800ms`)
	fmt.Println(in.Regions, in.State, in.Timeout, err)

	_, err = replay.Parse("region=ord; timeout=10")
	fmt.Println(err)
	var syntax *replay.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println(syntax.Field, syntax.Offset)
	}
	// Output:
	// [iad us] captured 800ms <nil>
	// timeout at byte 12: want a time with its unit such as "10s" or "800ms", not "10"
	// timeout 12
}

func ExampleInstruction_Format() {
	fmt.Println(replay.Instruction{Regions: []region.Code{"gru"}, State: "method"}.Format())
	fmt.Println(replay.Instruction{Regions: []region.Code{"ord", "us"}, Elsewhere: true, Fallback: replay.PreferSelf}.Format())
	_, err := replay.Instruction{State: "a;b"}.Format()
	fmt.Println(err)
	// Output:
	// region=gru;state=method <nil>
	// region="ord,us";elsewhere=true;fallback=prefer_self <nil>
	// replay: state: cannot hold ';'
}

func ExampleParseSource() {
	src, err := replay.ParseSource("instance=3d8d9014;region=ord;t=1790000000123456;state=captured")
	fmt.Println(src.Instance, src.Region, src.At.UTC().Format(time.RFC3339Nano), src.State, err)
	// Output: 3d8d9014 ord 2026-09-21T14:13:20.123456Z captured <nil>
}

func ExampleRead() {
	header := http.Header{"Content-Type": {replay.ContentType}}
	in, err := replay.Read(header, []byte(`{"app":"shop","transform":{"path":"/new"},"cache":{"prefix":"/old","ttl":60}}`))
	fmt.Println(in.App, in.Transform.Path, in.Cache.Pattern, in.Cache.TTL, err)
	fmt.Println("cached:", in.Cacheable())

	_, err = replay.Read(header, []byte(`{"transform":{"delete_headers":["Fly-Client-IP"]}}`))
	fmt.Println(err)
	// Output:
	// shop /new /old/* 1m0s <nil>
	// cached: it has a transform
	// transform.delete_headers[0] at byte 32: "Fly-Client-IP" is the proxy's to set: machines believe every fly-*
}

func ExampleFields() {
	var fields replay.Fields
	for _, line := range []string{"server: app", "fly-replay: region=ord;state=method"} {
		name, value, _ := strings.Cut(line, ": ")
		fields.Add(name, value)
	}
	asks, body := fields.Asks()
	fmt.Println(asks, body)
	in, err := fields.Read(nil)
	fmt.Println(in.Regions, in.State, err)
	// Output:
	// true false
	// [ord] method <nil>
}

func ExampleParsePlacement() {
	p, err := replay.ParsePlacement(http.Header{"Fly-Prefer-Region": {"iad, ord"}, "Fly-Force-Instance-Id": {"3d8d9014"}})
	fmt.Println(p.PreferRegions, p.ForceInstance, err)
	// Output: [iad ord] 3d8d9014 <nil>
}

func ExampleParseFailure() {
	f, err := replay.ParseFailure("instance=00bb33ff;app=shop;region=iad;replay_source=11aa44ee;reason=timeout;elapsed_ms=10000")
	fmt.Println(f.Reason, f.Elapsed, f.App, err)
	// Output: timeout 10s shop <nil>
}
