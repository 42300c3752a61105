package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/scrip-go/scrip/registry"
)

var _ registry.ModelStore = (*Models)(nil)

// Models is the [registry.ModelStore] of a [DB].
type Models struct {
	now func() time.Time

	mu sync.Mutex
	// versions[i] is version i+1, guarded by mu. A configuration is kept encoded: it has maps and pointers all through,
	// and decoding is the copy that a caller may write to.
	versions []encodedVersion
}

type encodedVersion struct {
	version       registry.Version // without the configuration
	configuration []byte
}

// Latest implements [registry.ModelStore].
func (m *Models) Latest(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.versions)), nil
}

// InForce implements [registry.ModelStore].
func (m *Models) InForce(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inForce(), nil
}

// inForce is the number of the version in force, 0 if there is none. The lock is held.
func (m *Models) inForce() int64 {
	now := m.now()
	for i, v := range slices.Backward(m.versions) {
		if !v.version.EffectiveAt.After(now) {
			return int64(i) + 1
		}
	}
	return 0
}

// Load implements [registry.ModelStore].
func (m *Models) Load(ctx context.Context, number int64) (registry.Version, error) {
	if err := ctx.Err(); err != nil {
		return registry.Version{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if number == 0 {
		if number = m.inForce(); number == 0 {
			return registry.Version{}, fmt.Errorf("memory: load the version in force: %w: none is", registry.ErrNotFound)
		}
	}
	if latest := int64(len(m.versions)); number < 1 || number > latest {
		return registry.Version{}, fmt.Errorf("memory: load version %d: %w: the latest is %d", number, registry.ErrNotFound, latest)
	}
	return m.versions[number-1].decode()
}

// History implements [registry.ModelStore].
func (m *Models) History(ctx context.Context, before int64) iter.Seq2[registry.Version, error] {
	return func(yield func(registry.Version, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(registry.Version{}, err)
			return
		}
		m.mu.Lock()
		versions := m.versions // appended to and never written to
		m.mu.Unlock()
		if before != 0 {
			versions = versions[:min(max(before-1, 0), int64(len(versions)))]
		}
		for _, e := range slices.Backward(versions) {
			if err := ctx.Err(); err != nil {
				yield(registry.Version{}, err)
				return
			}
			if v, err := e.decode(); !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Save implements [registry.ModelStore].
func (m *Models) Save(ctx context.Context, c registry.Change) (registry.Version, error) {
	if err := ctx.Err(); err != nil {
		return registry.Version{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if err := c.Validate(now); err != nil {
		return registry.Version{}, err
	}
	latest := int64(len(m.versions))
	if c.Base != latest {
		return registry.Version{}, fmt.Errorf("memory: save a change of version %d: %w: the latest is %d", c.Base, registry.ErrConflict, latest)
	}
	configuration, err := json.Marshal(c.Next)
	if err != nil { // something that Validate does not know to be unwritable
		return registry.Version{}, fmt.Errorf("memory: save a change of version %d: %w: %w", c.Base, registry.ErrInvalid, err)
	}
	v := encodedVersion{registry.Version{Number: latest + 1, At: now, EffectiveAt: c.EffectiveFrom(now), Who: c.Who, Why: c.Why}, configuration}
	out, err := v.decode()
	if err != nil {
		return registry.Version{}, err
	}
	m.versions = append(m.versions, v)
	return out, nil
}

func (e encodedVersion) decode() (registry.Version, error) {
	v := e.version
	if err := json.Unmarshal(e.configuration, &v.Configuration); err != nil {
		return registry.Version{}, fmt.Errorf("memory: version %d: %w", v.Number, err)
	}
	return v, nil
}
