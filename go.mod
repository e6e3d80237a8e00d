module homing

go 1.26
