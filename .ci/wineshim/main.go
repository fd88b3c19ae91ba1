// Command wineshim writes bcryptprimitives.dll for Wine 8, which has none and
// without which no Go program since 1.22 starts. The DLL holds no code: its one
// export, ProcessPrng, is forwarded to advapi32's SystemFunction036, which
// Windows' own papers call RtlGenRandom.
//
//	go run ./.ci/wineshim PATH
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

const (
	sectionRVA    = 0x1000
	sectionOffset = 0x200 // in the file
	sectionSize   = 0x200
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: wineshim PATH")
		os.Exit(2)
	}
	image := append(headers(), exports()...)
	if err := os.WriteFile(os.Args[1], image, 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "wineshim:", err)
		os.Exit(1)
	}
}

// exports is the one section: the export directory, its tables and its texts.
func exports() []byte {
	const functions, names, ordinals, library, symbol, target = 0x40, 0x48, 0x50, 0x80, 0xa0, 0xc0
	s := make([]byte, sectionSize)
	copy(s[library:], "bcryptprimitives.dll")
	copy(s[symbol:], "ProcessPrng")
	// An address within the export section is a forwarder's text.
	copy(s[target:], "advapi32.SystemFunction036")
	for offset, value := range map[int]uint32{
		12: sectionRVA + library, 16: 1 /* ordinal base */, 20: 1 /* functions */, 24: 1, /* names */
		28: sectionRVA + functions, 32: sectionRVA + names, 36: sectionRVA + ordinals,
		functions: sectionRVA + target, names: sectionRVA + symbol,
	} {
		binary.LittleEndian.PutUint32(s[offset:], value)
	}
	return s
}

// headers are those of a 64-bit DLL without entry point, padded to the section.
func headers() []byte {
	const dosSize, optionalSize, alignment = 0x40, 240, 0x200
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v) // into memory
		}
	}
	dos := make([]byte, dosSize)
	copy(dos, "MZ")
	binary.LittleEndian.PutUint32(dos[0x3c:], dosSize)
	put(dos, []byte("PE\x00\x00"))
	put(uint16(0x8664), uint16(1), [3]uint32{}, uint16(optionalSize), uint16(0x2022)) // amd64, one section, executable DLL
	put(uint16(0x20b), [2]uint8{14, 0}, uint32(0), uint32(sectionSize), uint32(0), uint32(0), uint32(sectionRVA))
	put(uint64(0x180000000), uint32(0x1000), uint32(alignment), [6]uint16{6, 0, 0, 0, 6, 0}, uint32(0))
	put(uint32(2*0x1000), uint32(alignment), uint32(0), uint16(3), uint16(0x100)) // size in memory, of headers; console, NX
	put(uint64(0x100000), uint64(0x1000), uint64(0x100000), uint64(0x1000), uint32(0), uint32(16))
	put([2]uint32{sectionRVA, 0x100}, [30]uint32{}) // the export directory, and no other
	var name [8]byte
	copy(name[:], ".rdata")
	put(name, uint32(sectionSize), uint32(sectionRVA), uint32(sectionSize), uint32(sectionOffset), [2]uint32{}, [2]uint16{}, uint32(0x40000040))
	return append(b.Bytes(), make([]byte, sectionOffset-b.Len())...)
}
