package benchmark

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// DescribeMachine notes what the figures are measured on, with data in dir. It returns an error if that is in memory, where a sync
// costs nothing.
func (r *Report) DescribeMachine(dir string) error {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	r.Note("%d × %s, %s %s, %s, load average at the start: %s", runtime.NumCPU(), cmp.Or(processor(), runtime.GOARCH), runtime.GOOS,
		strings.TrimSpace(string(kernel)), runtime.Version(), LoadAverage())
	kind := fileSystem(dir)
	if kind == "tmpfs" || kind == "ramfs" {
		return fmt.Errorf("benchmark: %s is in memory: set TMPDIR to a directory on a disk", dir)
	}
	r.Note("data on disk (%s), every commit synced before it is acknowledged", cmp.Or(kind, "of an unknown kind"))
	return nil
}

// processor is the name of the first one, empty on a system that does not tell.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// LoadAverage is that of one, five and fifteen minutes.
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	fields := strings.Fields(string(text))
	return strings.Join(fields[:min(3, len(fields))], " ")
}

// fileSystem is the kind of the one that has the directory, empty on a system that does not tell.
func fileSystem(dir string) (kind string) {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	longest := -1
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		below := strings.TrimSuffix(fields[1], "/") + "/"
		if strings.HasPrefix(dir+"/", below) && len(below) >= longest { // of two at the same place the later one is seen
			longest, kind = len(below), fields[2]
		}
	}
	return kind
}
