// What a script loads to draw figures or to work with frames: ortho.fsx, and the packages for both.
// They cost about a second at start, so scripts without a figure load ortho.fsx alone.
#load "ortho.fsx"

#I "../src/Ortho.Research.Lab/bin/Release/net10.0"
#r "DynamicObj.dll"
#r "Giraffe.ViewEngine.dll"
#r "Plotly.NET.dll"
#r "Deedle.dll"
