-- ready: writes, and changes nothing that is shown. Contract: ready.rs.
if format then stamp() end
return 1
