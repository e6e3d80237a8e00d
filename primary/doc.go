// Package primary holds the words for where an app's writable database is: what
// machines claim to be, what an edge tells them, and the rule by which claims
// become one answer. A database can be promoted in another region without a
// deploy, and PRIMARY_REGION is then wrong.
//
// A machine tells its edge with every answer, and when it is asked at [Path]:
//
//	Homing-Role: replica;epoch=7316:2;lag=12ms
//
// The edge tells machines with every request, where it knows:
//
//	Homing-Primary: ams;epoch=7316:2
//	Homing-Primary: none;epoch=7316:2
//
// The epoch in the second form is the newest that was ever claimed: a primary of an
// older one has been replaced, whatever it says of itself. The newest epoch wins;
// claims that cannot be ordered mean that there is no primary, since writing to
// either of two would be worse than writing to none.
//
// Neither header is believed from a client, and an edge takes Homing-Role off.
package primary
