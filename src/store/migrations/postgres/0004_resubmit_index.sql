-- Whether a delivery was sent anew is asked at each change of a delivery's state.
CREATE INDEX delivery_by_resubmit_of ON delivery (resubmit_of) WHERE resubmit_of IS NOT NULL;
