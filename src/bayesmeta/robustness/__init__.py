"""What a conclusion rests on: funnel, bias, influence, prior sensitivity, multiverse, lint."""
