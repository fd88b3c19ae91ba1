package xero

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func BenchmarkParseClaims(b *testing.B) {
	encode := base64.RawURLEncoding.EncodeToString
	scopes := strings.Join(Scopes().Names(), `","`)
	token := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode([]byte(`{"sub":"a3a4dbafh3495a808ed7a7b964388f53","xero_userid":"`+idA+
		`","authentication_event_id":"`+evA+`","scope":["`+scopes+`"],"amr":["mfa","otp"]}`)) + "." + encode(make([]byte, 256))
	b.ReportAllocs()
	for b.Loop() {
		if c := ParseClaims(token); c.AuthenticationEventID != evA {
			b.Fatal(c)
		}
	}
}

func BenchmarkParseConnections(b *testing.B) {
	for _, n := range []int{1, 500, 5000} {
		one := `{"id":"` + idA + `","authEventId":"` + evA + `","tenantId":"` + tnA + `","tenantType":"ORGANISATION","tenantName":"Maple Florists Ltd",` +
			`"createdDateUtc":"2019-12-07T18:46:19.5165400","updatedDateUtc":"2019-12-07T18:46:19.5165400"}`
		body := []byte("[" + strings.Repeat(one+",", n-1) + one + "]")
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if list, err := parseConnections(body); err != nil || len(list) != n {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}
