nft -f - <<'END'
delete element inet netd publish_any4 { tcp . 8080 }
delete element inet netd self4 { 10.1.0.2 . 10.1.0.2 }
END
ip link del veth5d461f42f31
