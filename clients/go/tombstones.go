package pluginmgr

import "container/list"

// mostTombstones are remembered; an older one is a plugin that is not found.
const mostTombstones = 4096

// tombstones are the keys of the plugins that were removed. The pool's mutex guards them.
type tombstones struct {
	places map[string]*list.Element
	order  list.List // of keys, the oldest first
}

func newTombstones(keys []string) *tombstones {
	made := &tombstones{places: map[string]*list.Element{}}
	for _, key := range keys {
		made.add(key)
	}
	return made
}

func (t *tombstones) has(key string) bool { return t.places[key] != nil }

func (t *tombstones) add(key string) {
	t.remove(key)
	t.places[key] = t.order.PushBack(key)
	if t.order.Len() > mostTombstones {
		t.remove(t.order.Front().Value.(string))
	}
}

func (t *tombstones) remove(key string) {
	if place := t.places[key]; place != nil {
		t.order.Remove(place)
		delete(t.places, key)
	}
}
