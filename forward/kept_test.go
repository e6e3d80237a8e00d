package forward

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
)

func TestKeptIsReadBackFromAnywhere(t *testing.T) {
	var k kept // each body leaves it to the next
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		all := make([]byte, r.IntN([]int{4 * blockSize, smallBody}[seed%2]))
		for i := range all {
			all[i] = byte(r.Uint32())
		}
		length := int64(len(all))
		if r.IntN(2) == 0 {
			length = -1
		}
		budget := NewBudget(1 << 20)
		k.begin(budget, length, 1<<20)
		for rest := all; len(rest) > 0; {
			n := 1 + r.IntN(len(rest))
			if !k.add(rest[:n]) {
				t.Fatalf("seed %d: no room", seed)
			}
			rest = rest[n:]
		}
		at := int64(r.IntN(len(all) + 1))
		var got []byte
		for p := make([]byte, 1+r.IntN(blockSize)); ; {
			n := k.copyTo(p, at+int64(len(got)))
			if n == 0 {
				break
			}
			got = append(got, p[:n]...)
		}
		if !bytes.Equal(got, all[at:]) {
			t.Errorf("seed %d: %d bytes from %d on differ from those kept", seed, len(got), at)
		}
		if used := budget.Used(); used < int64(len(all)) || used >= int64(len(all))+blockSize {
			t.Errorf("seed %d: %d bytes are counted for %d", seed, used, len(all))
		}
		if k.free(); budget.Used() != 0 {
			t.Errorf("seed %d: %d bytes are counted for nothing", seed, budget.Used())
		}
	}
}

func TestASmallBodyTakesNoMoreThanItsLength(t *testing.T) {
	budget := NewBudget(1 << 20)
	var k kept
	k.begin(budget, 10, 1<<20)
	k.add(make([]byte, 3))
	if got := budget.Used(); got != 10 {
		t.Errorf("%d bytes are counted for a body of 10", got)
	}
}

// TestABodyThatFitsIsKept: room that the last block does not have is none.
func TestABodyThatFitsIsKept(t *testing.T) {
	const limit = blockSize * 3 / 2
	for _, size := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, limit, limit + 1} {
		budget := NewBudget(limit)
		b := NewBody(bytes.NewReader(make([]byte, size)), int64(size), 1<<20, budget, func() {})
		fits := b.Fits()
		a, err := b.Attempt()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, a); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Attempt(); fits != (err == nil) {
			t.Errorf("%d bytes: fits is %v, and then: %v", size, fits, err)
		}
		b.Close()
	}
}
