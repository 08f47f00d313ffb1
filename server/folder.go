package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// explainFolder adds to the error of a data folder that can't be used what to do about it.
func explainFolder(folder string, err error) error {
	const other = "or name another folder with the setting data (CRIER_DATA; empty: all is kept in memory)"
	var remedy string
	switch {
	case errors.Is(err, syscall.EROFS):
		remedy = "it is read-only: mount it so that it can be written, " + other
	case errors.Is(err, syscall.ENOSPC):
		remedy = "the disk is full: make room, " + other
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		remedy = "there is a file in its place: move that away, " + other
	case errors.Is(err, fs.ErrPermission):
		remedy = permission(folder, err) + ", " + other
	default:
		return fmt.Errorf("the data folder %s: %w", absolute(folder), err)
	}
	return fmt.Errorf("the data folder %s can't be used: %w; %s", absolute(folder), err, remedy)
}

// permission says whose the folder, or what is in it, is, and whose it should be.
func permission(folder string, err error) string {
	path := absolute(folder)
	var at *fs.PathError
	if errors.As(err, &at) {
		path = at.Path
	}
	owner, ok := ownerOf(path)
	for !ok && path != filepath.Dir(path) {
		path = filepath.Dir(path)
		owner, ok = ownerOf(path)
	}
	if !ok || owner == os.Geteuid() {
		return fmt.Sprintf("Crier may not write to %s: change what is allowed there", path)
	}
	return fmt.Sprintf("%s belongs to user %d, and Crier runs as user %d: give it to that user, where the "+
		"folder comes from (chown -R %d:%d FOLDER)", path, owner, os.Geteuid(), os.Geteuid(), os.Getegid())
}
