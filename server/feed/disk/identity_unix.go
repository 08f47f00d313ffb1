//go:build unix && !linux

package disk

import (
	"io/fs"
	"reflect"
)

// identify finds the time of birth under the names that BSD and Darwin have for it.
func identify(_ string, info fs.FileInfo) (id identity, err error) {
	stat := reflect.Indirect(reflect.ValueOf(info.Sys()))
	if ino := stat.FieldByName("Ino"); ino.IsValid() && ino.CanUint() {
		id.inode = ino.Uint()
	}
	for _, name := range []string{"Birthtimespec", "Birthtim"} {
		if t := stat.FieldByName(name); t.IsValid() {
			id.born = t.FieldByName("Sec").Int()*1e9 + t.FieldByName("Nsec").Int()
		}
	}
	return id, nil
}
