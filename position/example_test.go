package position_test

import (
	"context"
	"fmt"

	"homing/position"
)

// A client carries what it wrote as a token; the next reader opens it.
func Example() {
	keys, err := position.ParseKeys("the new secret: kept safe,the old secret: kept safe")
	fmt.Println(keys, err)

	token, err := keys.Seal(position.Token{Engine: "sqlite", Epoch: "7f3a", Position: "000000000000000b"})
	fmt.Println(token, err)

	read, err := keys.Open(token)
	fmt.Println(read.Engine, read.Epoch, read.Position, err)

	_, err = keys.Open("1.sqlite.7f3a.00000000000fffff")
	fmt.Println(err)
	// Output:
	// 2, hidden <nil>
	// 1.sqlite.7f3a.000000000000000b.da.I0ApvdMjYjq3vM2yHj_CQg <nil>
	// sqlite 7f3a 000000000000000b <nil>
	// token not signed by a known key
}

// Without a secret a token is plain: whoever makes one up sends only their own
// reads home.
func ExampleKeys_Seal() {
	var keys position.Keys
	fmt.Println(keys.Seal(position.Token{Engine: "postgres", Epoch: "2", Position: "0/16B3748"}))
	// Output: 1.postgres.2.0%2F16B3748 <nil>
}

func ExampleKeys_Open() {
	token, err := position.Keys{}.Open("1.window..1790000000123")
	fmt.Println(token.IsWindow(), token.HomeUntil.UTC(), err)
	// Output: true 2026-09-21 14:13:20.123 +0000 UTC <nil>
}

func ExampleTracker() {
	replica := position.NewTracker(func(have, want position.Position) bool { return have >= want })
	replica.Advance("0a")

	read := make(chan error)
	go func() { read <- replica.Wait(context.Background(), "0b") }()
	replica.Advance("0c") // replication brings what the reader's client wrote

	fmt.Println(<-read, replica.Reached())
	// Output: <nil> 0c
}
