package providertest

import "sync"

// remembered keeps the last so many values by id, and forgets the oldest.
type remembered[V any] struct {
	mu     sync.Mutex
	limit  int
	values map[string]V
	order  []string // a ring once it is full
	next   int
}

// put adds a value, unless the id is known.
func (r *remembered[V]) put(id string, v V) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.values[id]; known {
		return false
	}
	if r.values == nil {
		r.values = map[string]V{}
	}
	if len(r.order) < r.limit {
		r.order = append(r.order, id)
	} else {
		delete(r.values, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % r.limit
	}
	r.values[id] = v
	return true
}

func (r *remembered[V]) get(id string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[id]
	return v, ok
}
