package store_test

import (
	"testing"

	"github.com/xeroauth/xeroauth/internal/store"
)

func BenchmarkPack(b *testing.B) {
	r := goldenRecords()["public"]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Pack("golden", r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	packed, err := store.Pack("golden", goldenRecords()["public"])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Unpack("golden", packed); err != nil {
			b.Fatal(err)
		}
	}
}
