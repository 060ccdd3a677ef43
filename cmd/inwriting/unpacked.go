package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// repack puts a bundle that somebody has unpacked into a zip again, as it lies there,
// so that one check serves both. The file has no name any more: it goes when it is
// closed.
func repack(dir string) (f *os.File, err error) {
	if _, err := os.Stat(filepath.Join(dir, "bagit.txt")); err != nil {
		return nil, fmt.Errorf("%q holds no bagit.txt: give the folder that has READ-ME-FIRST.txt in it", dir)
	}
	if f, err = os.CreateTemp("", "inwriting-verify-*"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	os.Remove(f.Name())
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	z := zip.NewWriter(f)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%q is not a regular file", path)
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: filepath.Base(root) + "/" + filepath.ToSlash(rel), Method: zip.Store})
		if err != nil {
			return err
		}
		r, err := os.Open(path)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(w, r)
		return err
	})
	return f, errors.Join(err, z.Close())
}
