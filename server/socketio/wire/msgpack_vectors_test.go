package wire

// msgpackVectors are packets that socket.io-msgpack-parser wrote: 3.0.2, or 2.2.1 where it says so, both with
// notepack.io 2.2.0, in Node. As hexadecimal digits, or as text, and what they mean: the header of the text form, its
// JSON, and the attachments as hexadecimal digits. testdata/msgpack.cjs writes the packets.
var msgpackVectors = []struct {
	name, packet string
	kind         Type
	namespace    string
	id           string
	data         string
	attachments  []string
}{
	{
		"connect", "83a47479706500a464617461d40000a36e7370a12f",
		Connect, "/", "",
		"",
		nil,
	},
	{
		"connect with auth", "83a47479706500a46461746183a5746f6b656ea3616263a16e01a3706964a178a36e7370a62f61646d696e",
		Connect, "/admin", "",
		`{"token":"abc","n":1,"pid":"x"}`,
		nil,
	},
	{
		"connect with bytes", "83a47479706500a46461746181a36b6579c403010203a36e7370a12f",
		Connect, "/", "",
		`{"key":"AQID"}`,
		nil,
	},
	{
		"event", "84a47479706502a46461746193a3736179a568656c6c6f81a4646565709301c3c0a76f7074696f6e7381a8636f6d70726573" +
			"73c3a36e7370a12f",
		Event, "/", "",
		`["say","hello",{"deep":[1,true,null]}]`,
		nil,
	},
	{
		"event with id", "85a47479706502a46461746192a3736179a568656c6c6fa76f7074696f6e7381a8636f6d7072657373c3a26964cd012ca36e" +
			"7370a52f63686174",
		Event, "/chat", "300",
		`["say","hello"]`,
		nil,
	},
	{
		"integers", "84a47479706502a464617461dc0016a16e007fcc80ccffcd0100cdffffce00010000ceffffffffcf0000000100000000cf00" +
			"1fffffffffffffcf0000000000000000ffe0d0dfd080d1ff7fd18000d2ffff7fffd280000000d3ffffffff7fffffffd3ffe0" +
			"000000000001a76f7074696f6e7381a8636f6d7072657373c3a36e7370a12f",
		Event, "/", "",
		`["n",0,127,128,255,256,65535,65536,4294967295,4294967296,9007199254740991,0,-1,-32,-33,-12` +
			"8,-129,-32768,-32769,-2147483648,-2147483649,-9007199254740991]",
		nil,
	},
	{
		"floats", "84a47479706502a4646174619ca16ecb3fb999999999999acbbff8000000000000cb3e7ad7f29abcaf48cb3de49da7e361ce" +
			"4ccf35c9adc5dea00000cf0000000000000000cb0000000000000001cb7ff8000000000000cb7ff0000000000000cbfff000" +
			"000000000000a76f7074696f6e7381a8636f6d7072657373c3a36e7370a12f",
		Event, "/", "",
		`["n",0.1,-1.5,1e-7,1.5e-10,3875820019684212736,0,5e-324,null,null,null,0]`,
		nil,
	},
	{
		"strings", "84a47479706502a46461746195a173a0b971756f7465202220616e64205c20616e64200a20616e642001acc3a9e6bca2e5ad" +
			"97f09f9880d92878787878787878787878787878787878787878787878787878787878787878787878787878787878a76f70" +
			"74696f6e7381a8636f6d7072657373c3a36e7370a12f",
		Event, "/", "",
		`["s","","quote \" and \\ and \n and \u0001","é漢字😀","xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` +
			`xx"]`,
		nil,
	},
	{
		"undefined", "84a47479706502a46461746194a175d4000083a161d40000a16201a163d4000081a164d40000a76f7074696f6e7381a8636f" +
			"6d7072657373c3a36e7370a12f",
		Event, "/", "",
		`["u",null,{"b":1},{}]`,
		nil,
	},
	{
		"dates", "84a47479706502a46461746197a164d7000000000000000000d700000001a22afc893fd700ffffffffffffffffd700001eb2" +
			"08c2dc0000d700ffe14df73d240000d700ffffc76e394a7400a76f7074696f6e7381a8636f6d7072657373c3a36e7370a12f",
		Event, "/", "",
		`["d","1970-01-01T00:00:00.000Z","2026-11-30T05:45:23.007Z","1969-12-31T23:59:59.999Z","+27` +
			`5760-09-13T00:00:00.000Z","-271821-04-20T00:00:00.000Z","-000001-01-01T00:00:00.000Z"]`,
		nil,
	},
	{
		"bytes", "84a47479706502a46461746193a162c4030001ff81a2696e92c400c40107a76f7074696f6e7381a8636f6d7072657373c3a3" +
			"6e7370a12f",
		Event, "/", "",
		`["b",{"_placeholder":true,"num":0},{"in":[{"_placeholder":true,"num":1},{"_placeholder":tr` +
			`ue,"num":2}]}]`,
		[]string{"0001ff", "", "07"},
	},
	{
		"array buffers", "84a47479706502a46461746193a162c70300010203c702000908a76f7074696f6e7381a8636f6d7072657373c3a36e7370a1" +
			"2f",
		Event, "/", "",
		`["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
		[]string{"010203", "0908"},
	},
	{
		"long array", "84a47479706502a46461746192a161dc0014000102030405060708090a0b0c0d0e0f10111213a76f7074696f6e7381a8636f" +
			"6d7072657373c3a36e7370a12f",
		Event, "/", "",
		`["a",[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]]`,
		nil,
	},
	{
		"long object", "84a47479706502a46461746192a16fde0011a26b3000a26b3101a26b3202a26b3303a26b3404a26b3505a26b3606a26b3707" +
			"a26b3808a26b3909a36b31300aa36b31310ba36b31320ca36b31330da36b31340ea36b31350fa36b313610a76f7074696f6e" +
			"7381a8636f6d7072657373c3a36e7370a12f",
		Event, "/", "",
		`["o",{"k0":0,"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":10,"k11"` +
			`:11,"k12":12,"k13":13,"k14":14,"k15":15,"k16":16}]`,
		nil,
	},
	{
		"ack", "84a47479706503a2696400a46461746192a26f6bc40178a36e7370a12f",
		Ack, "/", "0",
		`["ok",{"_placeholder":true,"num":0}]`,
		[]string{"78"},
	},
	{
		"disconnect", "82a47479706501a36e7370a12f",
		Disconnect, "/", "",
		"",
		nil,
	},
	{
		"2.x event", "85a47479706502a46461746192a3736179a568656c6c6fa76f7074696f6e7381a8636f6d7072657373c3a2696400a36e7370" +
			"a12f",
		Event, "/", "0",
		`["say","hello"]`,
		nil,
	},
	{
		"2.x binary event", "84a47479706505a46461746192a162c40101a76f7074696f6e7381a8636f6d7072657373c3a36e7370a12f",
		Event, "/", "",
		`["b",{"_placeholder":true,"num":0}]`,
		[]string{"01"},
	},
	{
		"2.x binary ack", "84a47479706506a2696407a46461746191c40102a36e7370a12f",
		Ack, "/", "7",
		`[{"_placeholder":true,"num":0}]`,
		[]string{"02"},
	},
	{
		"2.x connect", `{"type":0,"query":"token=a,b","nsp":"/chat?token=a,b"}`,
		Connect, "/chat?token=a,b", "",
		"",
		nil,
	},
	{
		"2.x disconnect", `{"type":1,"nsp":"/chat"}`,
		Disconnect, "/chat", "",
		"",
		nil,
	},
}
