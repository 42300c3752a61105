package memory

import (
	"context"
	"encoding/json"
	"fmt"
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

// Load implements [registry.ModelStore].
func (m *Models) Load(ctx context.Context, number int64) (registry.Version, error) {
	if err := ctx.Err(); err != nil {
		return registry.Version{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	latest := int64(len(m.versions))
	wanted := number
	if wanted == 0 {
		wanted = latest
	}
	if wanted < 1 || wanted > latest {
		return registry.Version{}, fmt.Errorf("memory: load version %d: %w: the latest is %d", number, registry.ErrNotFound, latest)
	}
	return m.versions[wanted-1].decode()
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
	if err != nil { // a raw parameter that is not JSON
		return registry.Version{}, fmt.Errorf("memory: save a change of version %d: %w: %w", c.Base, registry.ErrInvalid, err)
	}
	v := encodedVersion{registry.Version{Number: latest + 1, At: now, Who: c.Who, Why: c.Why}, configuration}
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
