package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// HandedInFile lists, in a folder of records, those that the office has taken
// over. It is written on the office's side, when the stick is plugged in there.
const HandedInFile = "handed-in.json"

// handedIn is the content of [HandedInFile].
type handedIn struct {
	Schema  int      `json:"schema"`
	Records []string `json:"records"` // ids, sorted
}

// Tally counts the closed records in a folder and those of them that are not
// yet handed in; last is when the newest was written, the zero time if there is
// none. It reads the folder once and opens no record. A list of what was handed
// in that cannot be read is an error and counts as empty.
func Tally(dir string) (closed, notHandedIn int, last time.Time, err error) {
	ids, err := closedIDs(dir)
	if err != nil {
		return 0, 0, last, err
	}
	taken, err := readHandedIn(dir)
	for _, id := range ids {
		if _, ok := slices.BinarySearch(taken.Records, id); !ok {
			notHandedIn++
		}
	}
	if len(ids) > 0 {
		// Ids begin with their time, so the last is the newest.
		if info, statErr := os.Stat(filepath.Join(dir, ids[len(ids)-1]+EvidenceSuffix)); statErr == nil {
			last = info.ModTime()
		}
	}
	return len(ids), notHandedIn, last, err
}

// HandIn marks records as taken over by the office, besides those that are. It
// is durable when it returns nil.
func HandIn(dir string, ids ...string) error {
	taken, err := readHandedIn(dir)
	if err != nil {
		return err
	}
	taken.Schema = 1
	taken.Records = append(taken.Records, ids...)
	slices.Sort(taken.Records)
	taken.Records = slices.Compact(taken.Records)
	b, err := json.MarshalIndent(taken, "", " ")
	if err != nil {
		return err
	}
	return writeDurable(filepath.Join(dir, HandedInFile), append(b, '\n'), 0o644)
}

func readHandedIn(dir string) (handedIn, error) {
	var list handedIn
	b, err := readBounded(filepath.Join(dir, HandedInFile))
	if errors.Is(err, fs.ErrNotExist) {
		return list, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err == nil && list.Schema != 1 {
		err = fmt.Errorf("schema %d is not known", list.Schema)
	}
	if err != nil {
		return handedIn{}, fmt.Errorf("read %s: %w", filepath.Join(dir, HandedInFile), err)
	}
	slices.Sort(list.Records)
	return list, nil
}

// closedIDs lists the ids of the closed records in a folder, sorted.
func closedIDs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for records: %w", err)
	}
	open := map[string]bool{}
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), StartedSuffix); ok {
			open[id] = true
		}
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), EvidenceSuffix); ok && !open[id] && !strings.HasPrefix(id, ".") {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
