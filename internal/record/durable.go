package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// The endings of the files that one record leaves in a folder.
const (
	StartedSuffix  = ".started.json"
	EvidenceSuffix = ".evidence.json"
	PageSuffix     = ".pdf"
	keySuffix      = ".key.json"
	reserveSuffix  = ".reserve"
)

// maxFileBytes bounds what is read of a stick, which strangers may have written
// to. The largest record there is, a drive with thousands of bad places, has a
// few megabytes.
const maxFileBytes = 32 << 20

// readBounded is os.ReadFile for files of a size that is ours.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err = errors.Join(err, file.Close()); err == nil && len(b) > maxFileBytes {
		err = fmt.Errorf("%s has more than %d bytes, which none of ours has", path, maxFileBytes)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// writeDurable makes a file durable: written beside its place, synced, renamed,
// and the folder synced.
func writeDurable(path string, content []byte, mode os.FileMode) error {
	dir, tmp := filepath.Dir(path), halfWritten(path)
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// halfWritten is where a file is written before it takes its place.
func halfWritten(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced there, nor does it need to be
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	// Some file systems (FAT, many over FUSE) cannot sync a folder, and have
	// no other way; EINVAL is their answer.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
