package forward

import "sync/atomic"

// Budget bounds the memory that all kept bodies hold together. Safe for
// concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Used returns how many bytes are held now.
func (b *Budget) Used() int64 { return b.used.Load() }

// room reports whether n bytes more could be held now.
func (b *Budget) room(n int64) bool { return b.used.Load()+n <= b.limit }

func (b *Budget) take(n int64) bool {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *Budget) give(n int64) { b.used.Add(-n) }

// blockSize is the most that is set aside for a body at a time.
const blockSize = 16 << 10

// kept is the beginning of a body. It grows by blocks: nothing is copied twice,
// and the budget counts the memory that is held, not only what is in use.
type kept struct {
	budget *Budget
	block  int64 // size of each
	blocks [][]byte
	size   int64
	spare  []byte // what a small body before has left
}

// begin makes room for a body of which limit bytes may be kept at most. length is the
// announced one, -1 if unknown. Nothing may be kept now.
func (k *kept) begin(budget *Budget, length, limit int64) {
	block := min(blockSize, limit)
	if length >= 0 {
		block = min(block, length)
	}
	k.budget, k.block = budget, max(block, 1)
}

// add appends p, or reports false if the budget is spent. Part of p is in k then.
func (k *kept) add(p []byte) bool {
	for len(p) > 0 {
		at := k.size % k.block
		if at == 0 {
			if !k.budget.take(k.block) {
				return false
			}
			k.blocks = append(k.blocks, k.newBlock())
		}
		n := copy(k.blocks[len(k.blocks)-1][at:], p)
		k.size += int64(n)
		p = p[n:]
	}
	return true
}

// takes reports whether there is room for all blocks of a body of n bytes now.
func (k *kept) takes(n int64) bool {
	return k.budget.room((n + k.block - 1) / k.block * k.block)
}

// copyTo copies what is behind at into p, as far as one block goes.
func (k *kept) copyTo(p []byte, at int64) int {
	if at >= k.size {
		return 0
	}
	block := k.blocks[at/k.block]
	first := (at / k.block) * k.block
	return copy(p, block[at-first:min(k.block, k.size-first)])
}

func (k *kept) newBlock() []byte {
	block := k.spare
	k.spare = nil
	if int64(cap(block)) < k.block {
		block = make([]byte, k.block)
	}
	return block[:k.block]
}

// free gives everything back. The block of a small body is not counted any more, but its
// memory stays for the next: it is no more than what else a request leaves.
func (k *kept) free() {
	k.budget.give(int64(len(k.blocks)) * k.block)
	switch len(k.blocks) {
	case 0:
	case 1:
		if cap(k.blocks[0]) <= smallBody {
			k.spare = k.blocks[0]
		}
		k.blocks[0] = nil
		k.blocks = k.blocks[:0]
	default:
		k.blocks = nil // its list may be long
	}
	k.size = 0
}
