package pluginmgr

import (
	"errors"
	"fmt"
	"testing"
)

func TestTheOldestTombstonesAreForgotten(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(0))
	name := func(number int) string { return fmt.Sprintf("rule/gone-%d", number) }
	session.mustSend(t, remove(name(0)))
	session.mustSend(t, remove(name(1)))
	session.mustSend(t, remove(name(0))) // again: now it is the younger one
	for number := 2; number <= 4096; number++ {
		session.mustSend(t, remove(name(number)))
	}
	rig.untilError(name(4096), ErrRemoved)
	if err := acquireError(rig, name(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("the oldest: %v", err)
	}
	for _, number := range []int{0, 2, 4095} {
		if err := acquireError(rig, name(number)); !errors.Is(err, ErrRemoved) {
			t.Errorf("%d: %v", number, err)
		}
	}
}

func TestASnapshotsTombstonesAreBoundedToo(t *testing.T) {
	rig := newRig(t, Options{})
	var removed []string
	for number := range 5000 {
		removed = append(removed, fmt.Sprintf("rule/gone-%d", number))
	}
	rig.registry.next(t).mustSend(t, snapshot(removed))
	rig.untilError("rule/gone-4999", ErrRemoved)
	if err := acquireError(rig, "rule/gone-0"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the first: %v", err)
	}
}
